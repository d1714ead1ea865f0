/* Memory of jansson. A text, an object or a member that it cannot allocate is missing without a word in what is sent or
 * written: whoever sends or writes looks here whether anything is missing. */
#ifndef PROJECT_JSON_MEMORY_H
#define PROJECT_JSON_MEMORY_H

/* Count allocations that fail, from now on. Once for the process, before anything else is asked of jansson. */
void json_memory_watch(void);
/* How many have failed. */
unsigned json_memory_failures(void);

#endif
