"""The first example of docs/pytest.md is a test that passes."""
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_first_example(pytester):
    example = re.search(r'```python\n(.*?)```', (ROOT / 'docs/pytest.md').read_text(), re.DOTALL).group(1)
    pytester.makepyfile(example)
    pytester.runpytest_subprocess('-p', 'ouroboard.plugin').assert_outcomes(passed=1)
