/* Which coding a client gets, and that what it gets is the body. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/internal.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

static const char *choose(const char *header)
{
    struct http_accepted a = http_accepted_parse(header);
    const char *name = http_coding_name(http_coding_choose(&a));
    return name ? name : "identity";
}

static void negotiation(void **state)
{
    (void)state;
    static const struct {
        const char *header, *expected;
    } table[] = {
        {NULL, "identity"},
        {"", "identity"},
        {"gzip", "gzip"},
        {"GZIP", "gzip"},
        {"x-gzip", "gzip"},
        {"br", "br"},
        {"zstd", "zstd"},
        {"deflate", "identity"},
        {"compress, deflate, sdch", "identity"},
        {"gzip, deflate", "gzip"},
        {"gzip, deflate, br", "br"},
        {"gzip, deflate, br, zstd", "zstd"},
        {"zstd,br,gzip", "zstd"},
        {"*", "zstd"},
        {"*;q=0", "identity"},
        {"gzip, *;q=0", "gzip"},
        {"zstd;q=0, *", "br"},
        {"gzip;q=0", "identity"},
        {"gzip;q=1.0, br;q=0.5, zstd;q=0.1", "gzip"},
        {"gzip;q=0.5, br;q=0.501", "br"},
        {"gzip;q=0.001", "gzip"},
        {"gzip;q=0.000", "identity"},
        {"gzip;q=0.0, br", "br"},
        {"gzip ; q=0.8 , br ; q=0.9", "br"},
        {"gzip\t;\tq=0.8\t,\tbr;Q=0.9", "br"},
        {"identity, gzip", "gzip"},
        {"identity;q=1, gzip;q=0.5", "identity"},
        {"identity;q=0.5, gzip;q=0.5", "gzip"},
        {"identity;q=0", "identity"}, /* nothing else is left */
        {"identity;q=0, gzip;q=0.1", "gzip"},
        {"gzip;q=1.5", "gzip"},
        {"gzip;q=0.12345, br;q=0.1", "gzip"},
        {"gzip;q=2", "identity"}, /* not a weight: as if it were not there */
        {"gzip;q=x", "identity"},
        {"gzip;q=", "identity"},
        {"gzip;q=-1", "identity"},
        {"gzip;level=9;q=0.5, br;q=0.4", "gzip"},
        {",,gzip,,", "gzip"},
        {";;;,=,\"", "identity"},
        {"gzipp, br x, zstd", "zstd"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_string_equal(choose(table[i].header), table[i].expected);
}

static void types(void **state)
{
    (void)state;
    static const char *const pay[] = {"application/json",         "application/problem+json",
                                      "application/octet-stream", "text/html; charset=utf-8",
                                      "text/javascript",          "image/svg+xml"};
    static const char *const do_not[] = {"image/png", "text/event-stream", "font/woff2", "application/gzip"};
    for (size_t i = 0; i < sizeof pay / sizeof pay[0]; i++)
        assert_true(http_type_pays(pay[i]));
    for (size_t i = 0; i < sizeof do_not / sizeof do_not[0]; i++)
        assert_false(http_type_pays(do_not[i]));
}

static void gunzip(const char *data, size_t size, char *to, size_t to_size)
{
    z_stream z = {.next_in = (Bytef *)data,
                  .avail_in = (uInt)size,
                  .next_out = (Bytef *)to,
                  .avail_out = (uInt)to_size};
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.total_out, to_size);
    inflateEnd(&z);
}

static void round_trips(void **state)
{
    (void)state;
    struct http_codecs codecs = {0};
    for (size_t size = 1000; size < 3000000; size *= 3) {
        char *data = malloc(size), *back = malloc(size);
        assert_true(data && back);
        for (size_t i = 0; i < size; i++)
            data[i] = (char)("{\"a\": 123, \"seats\"}"[i % 19] + (i % 1009 == 0));
        size_t packed_size;
        char *packed = http_compress(&codecs, HTTP_GZIP, HTTP_QUICK, data, size, &packed_size);
        assert_non_null(packed);
        assert_true(packed_size < size / 2);
        gunzip(packed, packed_size, back, size);
        assert_memory_equal(back, data, size);
        free(packed);

        packed = http_compress(&codecs, HTTP_ZSTD, HTTP_QUICK, data, size, &packed_size);
        assert_non_null(packed);
        assert_int_equal(ZSTD_decompress(back, size, packed, packed_size), size);
        assert_memory_equal(back, data, size);
        free(packed);

        packed =
            http_compress(&codecs, HTTP_BR, HTTP_QUICK, data, size, &packed_size); /* no decoder is linked */
        assert_non_null(packed);
        assert_true(packed_size < size / 2);
        free(packed);
        free(data);
        free(back);
    }
    http_codecs_done(&codecs);
}

static void incompressible(void **state)
{
    (void)state;
    struct http_codecs codecs = {0};
    char data[5000];
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)((random = random * 1664525 + 1013904223) >> 24);
    for (enum http_coding coding = HTTP_GZIP; coding < HTTP_CODINGS; coding++)
        for (size_t size = 0; size <= sizeof data; size += 1250) {
            size_t packed_size;
            assert_null(http_compress(&codecs, coding, HTTP_QUICK, data, size, &packed_size));
        }
    http_codecs_done(&codecs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(negotiation),
        cmocka_unit_test(types),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(incompressible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
