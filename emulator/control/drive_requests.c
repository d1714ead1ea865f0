/* drive.*: files of the CIRCUITPY drive (emulator/session/drive_files.h). What is written reaches the board when it
 * runs, about half a second later. */
#include "emulator/control/arguments.h"
#include "emulator/control/bytes.h"
#include "emulator/control/control_private.h"
#include "emulator/session/drive_files.h"

#include <stdlib.h>

static bool get_path(json_t *request, const char **ret_path, struct error *error) {
    return argument_is_there(request, "path", error) && argument_text(request, "path", ret_path, error);
}

static bool add_entry(void *context, const struct drive_entry *entry) {
    json_t *put = json_object(), *path = json_string(entry->path);
    json_object_set_new(put, "path", path ? path : json_string("(no UTF-8)"));
    json_object_set_new(put, "folder", json_boolean(entry->is_folder));
    if (!entry->is_folder) {
        json_object_set_new(put, "size", json_integer((json_int_t)entry->size));
    }
    return json_array_append_new(context, put) == 0;
}

static enum control_outcome handle_list(struct control *control, json_t *request, json_t *reply, struct error *error) {
    json_t *list = json_array();
    bool ok = session_drive_list(control->session, add_entry, list, error);
    json_object_set_new(reply, "files", list);
    return ok ? CONTROL_DONE : CONTROL_FAILED;
}

static enum control_outcome handle_read(struct control *control, json_t *request, json_t *reply, struct error *error) {
    const char *path = NULL;
    uint8_t *data;
    size_t size;
    if (!get_path(request, &path, error) || !session_drive_read(control->session, path, &data, &size, error)) {
        return CONTROL_FAILED;
    }
    json_object_set_new(reply, "size", json_integer((json_int_t)size));
    bool ok = bytes_to_json(reply, data, size);
    error_set(error, "out of memory");
    free(data);
    return ok ? CONTROL_DONE : CONTROL_FAILED;
}

static enum control_outcome handle_write(struct control *control, json_t *request, json_t *reply, struct error *error) {
    const char *path = NULL;
    uint8_t *data;
    size_t size;
    if (!get_path(request, &path, error) || !argument_bytes(request, &data, &size, error)) {
        return CONTROL_FAILED;
    }
    bool ok = session_drive_write(control->session, path, data, size, error);
    json_object_set_new(reply, "size", json_integer((json_int_t)size));
    free(data);
    return ok ? CONTROL_DONE : CONTROL_FAILED;
}

static enum control_outcome handle_delete(struct control *control, json_t *request, json_t *reply,
                                          struct error *error) {
    const char *path = NULL;
    bool ok = get_path(request, &path, error) && session_drive_delete(control->session, path, error);
    return ok ? CONTROL_DONE : CONTROL_FAILED;
}

const struct control_request control_drive_requests[] = {
    { "drive.list", handle_list, { NULL }, "what is on the CIRCUITPY drive" },
    { "drive.read", handle_read, { "path", NULL }, "a file's contents" },
    { "drive.write", handle_write, { "path", "text", "hex", "base64", NULL }, "write a file as a whole" },
    { "drive.delete", handle_delete, { "path", NULL }, "delete a file or an empty folder" },
    { NULL },
};
