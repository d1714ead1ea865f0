/* What somebody may have meant: the name that is most like the one that there is not. */
#ifndef CORE_NEAREST_H
#define CORE_NEAREST_H

/* The name among those offered that is most like the wanted one; NULL when none is close. */
struct nearest {
    const char *wanted;
    const char *name;
    unsigned distance;
};

void nearest_init(struct nearest *nearest, const char *wanted);
/* `name` is borrowed; NULL is fine. */
void nearest_offer(struct nearest *nearest, const char *name);

#endif
