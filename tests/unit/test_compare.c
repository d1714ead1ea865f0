/* Pictures against pictures, and text found by its dots. The font is made here, letters are drawn by the test. */
#include "emulator/session/compare.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define BLUE 0x0000ffu
#define YELLOW 0xffff00u

/* Columns of 256 letters; A, B and the degree sign (0xb0) have shapes, the rest is blank. */
static struct compare_font make_font(void) {
    static uint8_t file[2 + 256 * 5] = { 5, 8 };
    static const uint8_t shapes[3][5] = { { 0x7e, 0x11, 0x11, 0x11, 0x7e },
                                          { 0x7f, 0x49, 0x49, 0x49, 0x36 },
                                          { 0x06, 0x09, 0x09, 0x06, 0x00 } };
    struct compare_font font;
    struct error error;
    memcpy(file + 2 + 5 * 'A', shapes[0], 5);
    memcpy(file + 2 + 5 * 'B', shapes[1], 5);
    memcpy(file + 2 + 5 * 0xb0, shapes[2], 5);
    assert_true(compare_font_of_file(&font, file, sizeof(file), &error));
    return font;
}

static void draw_letter(struct picture *picture, const struct compare_font *font, unsigned code, unsigned x, unsigned y,
                        unsigned scale) {
    for (unsigned i = 0; i < 40 * scale * scale; i++) {
        unsigned column = i % (5 * scale), row = i / (5 * scale);
        if (font->glyphs[code].rows[row / scale] >> column / scale & 1) {
            picture->pixels[(size_t)(y + row) * picture->width + x + column] = YELLOW;
        }
    }
}

static void draw_ab(struct picture *picture, const struct compare_font *font, unsigned x, unsigned y, unsigned scale) {
    draw_letter(picture, font, 'A', x, y, scale);
    draw_letter(picture, font, 'B', x + 6 * scale, y, scale);
}

static bool find(const struct picture *picture, const struct compare_font *font, const char *text,
                 struct compare_place *place) {
    struct error error = { "" };
    bool found = compare_find_text(picture, font, text, place, &error);
    assert_true(found || !error.message[0]);
    return found;
}

static void text_is_found_at_its_place_and_size(void **state) {
    struct compare_font font = make_font();
    struct compare_place place;
    for (unsigned scale = 1; scale <= 4; scale++) {
        struct picture picture;
        assert_true(picture_init(&picture, 100, 60, BLUE));
        assert_false(find(&picture, &font, "AB", &place));
        draw_ab(&picture, &font, 13, 7, scale);
        assert_true(find(&picture, &font, "AB", &place));
        assert_int_equal(place.x, 13);
        assert_int_equal(place.y, 7);
        assert_int_equal(place.scale, scale);
        assert_int_equal(place.turned, 0);
        assert_int_equal(place.colour, YELLOW);
        assert_false(find(&picture, &font, "BA", &place));
        assert_false(find(&picture, &font, "ABA", &place));
        picture_finish(&picture);
    }
}

static void one_dot_off_is_not_the_text(void **state) {
    struct compare_font font = make_font();
    struct compare_place place;
    struct picture picture;
    assert_true(picture_init(&picture, 40, 20, BLUE));
    draw_ab(&picture, &font, 3, 3, 1);
    for (unsigned i = 0; i < 11 * 8; i++) {
        uint32_t *pixel = &picture.pixels[(3 + i / 11) * 40 + 3 + i % 11], kept = *pixel;
        *pixel = kept == YELLOW ? BLUE : YELLOW;
        assert_false(find(&picture, &font, "AB", &place));
        *pixel = kept;
    }
    assert_true(find(&picture, &font, "AB", &place));
    picture_finish(&picture);
}

/* A display that is mounted on its side: what stands upright for the program lies on the glass. */
static void text_is_found_in_four_directions(void **state) {
    struct compare_font font = make_font();
    struct compare_place place;
    struct picture upright, picture;
    assert_true(picture_init(&upright, 30, 20, BLUE));
    draw_ab(&upright, &font, 2, 5, 1);
    assert_true(picture_init(&picture, 20, 30, BLUE));
    for (unsigned y = 0; y < 20; y++) {
        for (unsigned x = 0; x < 30; x++) { /* a quarter clockwise */
            picture.pixels[x * 20 + 19 - y] = upright.pixels[y * 30 + x];
        }
    }
    assert_true(find(&picture, &font, "AB", &place));
    assert_int_equal(place.turned, 270);
    assert_int_equal(place.x, 2);
    assert_int_equal(place.y, 5);
    picture_finish(&upright);
    picture_finish(&picture);
}

static void letters_beyond_ascii_are_utf8(void **state) {
    struct compare_font font = make_font();
    struct compare_place place;
    struct picture picture;
    assert_true(picture_init(&picture, 40, 20, BLUE));
    draw_letter(&picture, &font, 0xb0, 4, 4, 2);
    assert_true(find(&picture, &font, "\xc2\xb0", &place));
    assert_int_equal(place.scale, 2);
    picture_finish(&picture);
}

static void what_cannot_be_found_is_told(void **state) {
    struct compare_font font = make_font();
    struct compare_place place;
    struct picture picture;
    struct error error;
    assert_true(picture_init(&picture, 40, 20, BLUE));
    assert_false(compare_find_text(&picture, &font, "A\xe2\x82\xac", &place, &error));
    assert_string_equal(error.message, "the font has no letter \"\xe2\x82\xac\"");
    assert_false(compare_find_text(&picture, &font, "  ", &place, &error));
    assert_string_equal(error.message, "blanks alone cannot be found");
    assert_false(compare_find_text(&picture, &font, "", &place, &error));
    assert_non_null(strstr(error.message, "1 to 1000 letters"));
    assert_false(compare_font_of_file(&font, (const uint8_t *)"\5\10", 2, &error));
    assert_non_null(strstr(error.message, "font5x8.bin"));
    picture_finish(&picture);
}

static void differences_are_counted(void **state) {
    struct picture a, b, mask, other;
    struct compare_result result;
    assert_true(picture_init(&a, 4, 3, 0x102030) && picture_init(&b, 4, 3, 0x102030));
    assert_true(picture_init(&mask, 4, 3, 0xffffff) && picture_init(&other, 3, 4, 0x102030));
    compare_pictures(&a, &b, NULL, 0, &result);
    assert_true(result.same_size && !result.different);
    a.pixels[4 * 1 + 2] = 0x102835; /* 8 and 5 levels off */
    a.pixels[4 * 2 + 3] = 0xff2030;
    compare_pictures(&a, &b, NULL, 7, &result);
    assert_int_equal(result.different, 2);
    assert_int_equal(result.x, 2);
    assert_int_equal(result.y, 1);
    assert_int_equal(result.is, 0x102835);
    assert_int_equal(result.wanted, 0x102030);
    assert_int_equal(result.worst, 0xff - 0x10);
    compare_pictures(&a, &b, NULL, 8, &result);
    assert_int_equal(result.different, 1);
    mask.pixels[4 * 2 + 3] = 0;
    compare_pictures(&a, &b, &mask, 8, &result);
    assert_int_equal(result.different, 0);
    compare_pictures(&a, &other, NULL, 255, &result);
    assert_false(result.same_size);
    compare_pictures(&a, &b, &other, 255, &result);
    assert_false(result.same_size);
    picture_finish(&a);
    picture_finish(&b);
    picture_finish(&mask);
    picture_finish(&other);
}

#ifdef HAVE_PNG
static void pictures_survive_their_files(void **state) {
    struct picture picture, again;
    struct error error;
    uint8_t *bytes;
    size_t size;
    assert_true(picture_init(&picture, 5, 7, BLUE));
    picture.pixels[17] = 0x123456;
    assert_true(picture_encode(&picture, &bytes, &size, &error));
    assert_true(picture_decode(&again, bytes, size, &error));
    assert_int_equal(again.width, 5);
    assert_memory_equal(again.pixels, picture.pixels, 5 * 7 * sizeof(*again.pixels));
    picture_finish(&again);
    for (size_t cut = 0; cut < size; cut += 3) {
        if (picture_decode(&again, bytes, cut, &error)) {
            assert_true(cut > size - 16); /* what follows the pixels is not needed */
            picture_finish(&again);
        }
    }
    free(bytes);
    picture_finish(&picture);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_found_at_its_place_and_size), cmocka_unit_test(one_dot_off_is_not_the_text),
        cmocka_unit_test(text_is_found_in_four_directions),    cmocka_unit_test(letters_beyond_ascii_are_utf8),
        cmocka_unit_test(what_cannot_be_found_is_told),        cmocka_unit_test(differences_are_counted),
#ifdef HAVE_PNG
        cmocka_unit_test(pictures_survive_their_files),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
