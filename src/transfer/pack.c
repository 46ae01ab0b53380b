#include "transfer/pack.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include <string.h>

static const char MAGIC[] = "boxoffice event\n";
enum { MAGIC_BYTES = sizeof MAGIC - 1, VERSION = 1, START_BYTES = MAGIC_BYTES + 4 };
enum { BLOCK_HEAD = 1 + 4, PIECE = 1 << 16 };

static struct digest digest_of_start(const void *start)
{
    return digest_of(start, START_BYTES, NULL, 0);
}

static struct digest digest_after(const struct digest *before, const struct buf *block)
{
    return digest_of(before->b, DIGEST_BYTES, block->data, block->size);
}

/* ---- writing ---- */

static void write_bytes(struct pack_writer *w, const void *data, size_t size)
{
    if (!w->error && fwrite(data, 1, size, w->file) != size)
        w->error = BOX_EIO;
}

void pack_write_begin(struct pack_writer *w, FILE *file)
{
    *w = (struct pack_writer){.file = file};
    buf_add(&w->block, MAGIC, MAGIC_BYTES);
    put_u32(&w->block, VERSION);
    must(w->block.size == START_BYTES);
    w->digest = digest_of_start(w->block.data);
    write_bytes(w, w->block.data, w->block.size);
    buf_reset(&w->block);
}

struct buf *pack_block(struct pack_writer *w, enum pack_kind kind)
{
    must(w->block.size == 0);
    put_u8(&w->block, (uint8_t)kind);
    put_u32(&w->block, 0); /* the size, when it is known */
    return &w->block;
}

void pack_block_end(struct pack_writer *w)
{
    must(w->block.size >= BLOCK_HEAD && w->block.size - BLOCK_HEAD <= LIMIT_EXPORT_BLOCK_BYTES);
    uint32_t size = (uint32_t)(w->block.size - BLOCK_HEAD);
    for (unsigned i = 0; i < 4; i++)
        w->block.data[1 + i] = (char)(size >> (24 - 8 * i));
    w->digest = digest_after(&w->digest, &w->block);
    write_bytes(w, w->block.data, w->block.size);
    write_bytes(w, w->digest.b, DIGEST_BYTES);
    buf_reset(&w->block);
}

int pack_write_end(struct pack_writer *w)
{
    pack_block(w, PACK_END);
    pack_block_end(w);
    buf_done(&w->block);
    if (!w->error && fflush(w->file))
        w->error = BOX_EIO;
    return w->error;
}

/* ---- reading ---- */

/* Append @size bytes of the file, a piece at a time, so that a size that is nonsense costs no memory. */
static int read_bytes(struct pack_reader *r, size_t size, struct buf *ret)
{
    while (size > 0) {
        size_t want = size < PIECE ? size : PIECE, got = fread(buf_reserve(ret, want), 1, want, r->file);
        ret->size += got;
        size -= got;
        if (got < want)
            return ferror(r->file) ? BOX_EIO : BOX_ECORRUPT;
    }
    return 0;
}

int pack_read_begin(struct pack_reader *r, FILE *file)
{
    struct rd rd;
    *r = (struct pack_reader){.file = file};
    if (fseek(file, 0, SEEK_SET))
        return BOX_EIO;
    int ret = read_bytes(r, START_BYTES, &r->block);
    if (ret)
        return ret == BOX_ECORRUPT ? BOX_ESYNTAX : ret;
    rd_init(&rd, r->block.data, r->block.size);
    if (memcmp(rd_raw(&rd, MAGIC_BYTES), MAGIC, MAGIC_BYTES) != 0)
        return BOX_ESYNTAX;
    uint32_t version = rd_u32(&rd);
    if (version != VERSION)
        return version > VERSION ? BOX_ENEWER : BOX_ESYNTAX;
    r->digest = digest_of_start(r->block.data);
    return 0;
}

static int read_block(struct pack_reader *r, enum pack_kind *ret_kind)
{
    struct rd rd;
    struct buf stored = {0};
    buf_reset(&r->block);
    int ret = read_bytes(r, BLOCK_HEAD, &r->block);
    if (ret)
        return ret;
    rd_init(&rd, r->block.data, r->block.size);
    uint8_t kind = rd_u8(&rd);
    uint32_t size = rd_u32(&rd);
    if (kind < PACK_HEAD || kind > PACK_END || size > LIMIT_EXPORT_BLOCK_BYTES)
        return BOX_ECORRUPT;
    ret = read_bytes(r, size, &r->block);
    if (!ret)
        ret = read_bytes(r, DIGEST_BYTES, &stored);
    if (!ret) {
        r->digest = digest_after(&r->digest, &r->block);
        ret = memcmp(r->digest.b, stored.data, DIGEST_BYTES) ? BOX_ECORRUPT : 0;
    }
    buf_done(&stored);
    *ret_kind = (enum pack_kind)kind;
    return ret;
}

/* Nothing may stand behind the end. */
static int check_end(struct pack_reader *r)
{
    if (r->block.size != BLOCK_HEAD)
        return BOX_ECORRUPT;
    r->ended = fgetc(r->file) == EOF && !ferror(r->file);
    return r->ended ? 0 : ferror(r->file) ? BOX_EIO : BOX_ECORRUPT;
}

int pack_next(struct pack_reader *r, enum pack_kind *ret_kind, const void **ret_bytes, size_t *ret_size)
{
    must(!r->ended);
    r->offset = ftell(r->file);
    int ret = read_block(r, ret_kind);
    if (!ret && *ret_kind == PACK_END)
        ret = check_end(r);
    if (ret)
        return ret;
    *ret_bytes = r->block.data + BLOCK_HEAD;
    *ret_size = r->block.size - BLOCK_HEAD;
    return 0;
}

void pack_read_done(struct pack_reader *r)
{
    buf_done(&r->block);
}
