"""Which lines the programs on all boards of a test session have run: sums of the lcov files of `ouroboard run
--coverage`, by the files' paths on their drives."""
from collections import defaultdict
from pathlib import Path


class File:
    def __init__(self):
        self.lines = defaultdict(int)
        self.functions = defaultdict(int)  # by (line, name)

    @property
    def missed(self):
        return sorted(line for line, count in self.lines.items() if not count)

    def ranges(self):
        """"3-5, 9": lines without code do not part a range, lines that ran do."""
        runs, last = [], None
        for line, count in sorted(self.lines.items()):
            if count:
                last = None
            elif last is None:
                runs.append([line, line])
                last = line
            else:
                runs[-1][1] = last = line
        return ', '.join(f'{first}-{end}' if end > first else str(first) for first, end in runs)


class Coverage:
    def __init__(self):
        self.files = defaultdict(File)

    def add(self, lcov, drive):
        """An lcov file; files below `drive` are called by their paths there."""
        file, lines = None, {}
        for record in Path(lcov).read_text().splitlines():
            kind, _, rest = record.partition(':')
            if kind == 'SF':
                file, lines = self.files[rest.removeprefix(f'{drive}/')], {}
            elif kind == 'DA':
                line, count = rest.split(',')[:2]
                file.lines[int(line)] += int(count)
            elif kind == 'FN':
                line, name = rest.split(',', 1)
                lines[name] = int(line)
                file.functions[int(line), name] += 0
            elif kind == 'FNDA':
                count, name = rest.split(',', 1)
                file.functions[lines[name], name] += int(count)

    def write(self, path):
        with open(path, 'w', encoding='utf-8') as out:
            for name, file in sorted(self.files.items()):
                out.write(f'TN:\nSF:{name}\n')
                functions = sorted(file.functions.items())
                out.writelines(f'FN:{line},{function}\n' for (line, function), _ in functions)
                out.writelines(f'FNDA:{count},{function}\n' for (_, function), count in functions)
                out.writelines(f'DA:{line},{count}\n' for line, count in sorted(file.lines.items()))
                out.write(f'LF:{len(file.lines)}\nLH:{len(file.lines) - len(file.missed)}\nend_of_record\n')

    def table(self):
        """Lines of text, as coverage.py prints them."""
        width = max((len(name) for name in self.files), default=5)
        width = max(width, 5)
        rule = '-' * (width + 32)
        rows = [f'{"Name":{width}} {"Stmts":>7} {"Miss":>6} {"Cover":>6}   Missing', rule]
        total = missed = 0
        for name, file in sorted(self.files.items()):
            rows.append(self._row(name, width, len(file.lines), len(file.missed), file.ranges()))
            total += len(file.lines)
            missed += len(file.missed)
        return [*rows, rule, self._row('TOTAL', width, total, missed, '')]

    @staticmethod
    def _row(name, width, total, missed, ranges):
        percent = (total - missed) * 100 // total if total else 100
        return f'{name:{width}} {total:7} {missed:6} {percent:5}%   {ranges}'.rstrip()
