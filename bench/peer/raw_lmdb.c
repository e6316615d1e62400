// SPDX-License-Identifier: Apache-2.0
//
// What a feature store on LMDB is measured against: LMDB itself, in one process, on one thread, with
// keys of 16 bytes and nothing to decode. Prints one "name value" per line.

#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "usage: RawLMDB DIR fill ROWS VALUE_BYTES\n"
    "       RawLMDB DIR get  ROWS GETS SECONDS\n"
    "       RawLMDB DIR put  ROWS VALUE_BYTES GROUP SECONDS fast|durable\n"
    "\n"
    "  fill  appends ROWS in one transaction (MDB_APPEND): rows/s, CPU us/row\n"
    "  get   reads GETS random rows in a renewed transaction: such units/s, p50, p99 and CPU in us\n"
    "  put   overwrites GROUP random rows in each transaction: rows/s, CPU us/row. fast is\n"
    "        MDB_NOMETASYNC; durable adds mdb_env_sync after each commit\n";

enum { KEY_BYTES = 16, VALUE_BYTES_MAX = 4096, SAMPLES_MAX = 1 << 22 };

static void check(int code, const char *what) {
    if (code == 0) return;
    fprintf(stderr, "RawLMDB: %s: %s\n", what, mdb_strerror(code));
    exit(1);
}

static uint64_t read_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t now_ns(void) { return read_clock(CLOCK_MONOTONIC); }

// CPU time of this process, which a busy neighbour does not change by much.
static uint64_t cpu_ns(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

// xorshift64*: the quality does not matter, the speed does.
static uint64_t state = 88172645463325252u;
static uint64_t below(uint64_t count) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint64_t)(((unsigned __int128)(state * 2685821657736338717u) * count) >> 64);
}

static void make_key(uint8_t key[KEY_BYTES], uint64_t row) {
    memset(key, 0, KEY_BYTES);
    for (int i = 0; i < 8; i++) key[i] = (uint8_t)(row >> (56 - 8 * i));
}

static uint64_t number(const char *word, uint64_t most) {
    char *end;
    uint64_t value = strtoull(word, &end, 10);
    if (*word == 0 || *end != 0 || value == 0 || value > most) {
        fprintf(stderr, "RawLMDB: %s is not a number from 1 to %llu\n", word, (unsigned long long)most);
        exit(2);
    }
    return value;
}

static int ascending(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void fill(MDB_env *env, MDB_dbi dbi, uint64_t rows, size_t bytes) {
    uint8_t key[KEY_BYTES], value[VALUE_BYTES_MAX];
    memset(value, 1, sizeof value);
    uint64_t cpu = cpu_ns(), start = now_ns();
    MDB_txn *txn;
    check(mdb_txn_begin(env, NULL, 0, &txn), "mdb_txn_begin");
    for (uint64_t row = 0; row < rows; row++) {
        make_key(key, row);
        memcpy(value, &row, sizeof row);
        MDB_val k = {KEY_BYTES, key}, v = {bytes, value};
        check(mdb_put(txn, dbi, &k, &v, MDB_APPEND), "mdb_put");
    }
    check(mdb_txn_commit(txn), "mdb_txn_commit");
    check(mdb_env_sync(env, 1), "mdb_env_sync");
    printf("rate %.1f\n", (double)rows * 1e9 / (double)(now_ns() - start));
    printf("cpu %.4f\n", (cpu_ns() - cpu) / 1e3 / rows);
    MDB_envinfo info;
    MDB_stat stat;
    check(mdb_env_info(env, &info), "mdb_env_info");
    check(mdb_env_stat(env, &stat), "mdb_env_stat");
    printf("bytes %.0f\n", ((double)info.me_last_pgno + 1) * stat.ms_psize);
}

static void get(MDB_env *env, MDB_dbi dbi, uint64_t rows, uint64_t gets, double seconds) {
    uint8_t key[KEY_BYTES], copy[VALUE_BYTES_MAX];
    uint32_t *samples = malloc(SAMPLES_MAX * sizeof *samples);
    if (samples == NULL) exit(1);
    MDB_txn *txn;
    check(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), "mdb_txn_begin");
    uint64_t cpu = cpu_ns(), start = now_ns(), last = start, end = start + (uint64_t)(seconds * 1e9), units = 0;
    while (last < end) {
        mdb_txn_reset(txn);
        check(mdb_txn_renew(txn), "mdb_txn_renew");
        for (uint64_t i = 0; i < gets; i++) {
            make_key(key, below(rows));
            MDB_val k = {KEY_BYTES, key}, v;
            check(mdb_get(txn, dbi, &k, &v), "mdb_get");
            memcpy(copy, v.mv_data, v.mv_size);
            // The copy must be made although nobody looks at it.
            __asm__ volatile("" : : "r"(copy) : "memory");
        }
        uint64_t now = now_ns();
        samples[units++ % SAMPLES_MAX] = (uint32_t)(now - last);
        last = now;
    }
    cpu = cpu_ns() - cpu;
    size_t count = units < SAMPLES_MAX ? units : SAMPLES_MAX;
    qsort(samples, count, sizeof *samples, ascending);
    printf("rate %.1f\n", (double)units * 1e9 / (double)(last - start));
    printf("cpu %.4f\n", cpu / 1e3 / units);
    printf("p50 %.3f\n", samples[count / 2] / 1e3);
    printf("p99 %.3f\n", samples[count * 99 / 100] / 1e3);
    mdb_txn_abort(txn);
    free(samples);
}

static void put(
    MDB_env *env, MDB_dbi dbi, uint64_t rows, size_t bytes, uint64_t group, double seconds, int durable) {
    uint8_t key[KEY_BYTES], value[VALUE_BYTES_MAX];
    memset(value, 2, sizeof value);
    uint64_t cpu = cpu_ns(), start = now_ns(), now = start, written = 0;
    uint64_t end = start + (uint64_t)(seconds * 1e9);
    while (now < end) {
        MDB_txn *txn;
        check(mdb_txn_begin(env, NULL, 0, &txn), "mdb_txn_begin");
        for (uint64_t i = 0; i < group; i++) {
            make_key(key, below(rows));
            memcpy(value, &written, sizeof written);
            MDB_val k = {KEY_BYTES, key}, v = {bytes, value};
            check(mdb_put(txn, dbi, &k, &v, 0), "mdb_put");
            written++;
        }
        check(mdb_txn_commit(txn), "mdb_txn_commit");
        if (durable) check(mdb_env_sync(env, 1), "mdb_env_sync");
        now = now_ns();
    }
    printf("rate %.1f\n", (double)written * 1e9 / (double)(now - start));
    printf("cpu %.4f\n", (cpu_ns() - cpu) / 1e3 / written);
}

int main(int count, char **words) {
    if (count < 5) {
        fputs(usage, stderr);
        return 2;
    }
    uint64_t rows = number(words[3], 100000000);
    MDB_env *env;
    check(mdb_env_create(&env), "mdb_env_create");
    check(mdb_env_set_mapsize(env, (size_t)64 << 30), "mdb_env_set_mapsize");
    check(mdb_env_open(env, words[1], MDB_NOTLS | MDB_NOMETASYNC, 0600), "mdb_env_open");
    MDB_txn *txn;
    MDB_dbi dbi;
    check(mdb_txn_begin(env, NULL, 0, &txn), "mdb_txn_begin");
    check(mdb_dbi_open(txn, NULL, 0, &dbi), "mdb_dbi_open");
    check(mdb_txn_commit(txn), "mdb_txn_commit");
    if (strcmp(words[2], "fill") == 0 && count == 5) {
        fill(env, dbi, rows, number(words[4], VALUE_BYTES_MAX));
    } else if (strcmp(words[2], "get") == 0 && count == 6) {
        get(env, dbi, rows, number(words[4], 1000000), strtod(words[5], NULL));
    } else if (strcmp(words[2], "put") == 0 && count == 8) {
        put(env, dbi, rows, number(words[4], VALUE_BYTES_MAX), number(words[5], 1000000),
            strtod(words[6], NULL), strcmp(words[7], "durable") == 0);
    } else {
        fputs(usage, stderr);
        return 2;
    }
    mdb_env_close(env);
    return 0;
}
