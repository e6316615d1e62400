// SPDX-License-Identifier: Apache-2.0
#include "CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET                                                                              \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi,bmi2,popcnt")))
#define INLINE static inline __attribute__((always_inline)) TARGET

/// Trees whose bits are found before their leaves are: time for the stores to arrive.
#define BLOCK 64

int kassa_has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("bmi2")
        && __builtin_cpu_supports("popcnt");
}

/// The ranks of a row: as many registers of 64 as the chunk's slots need.
struct ranks {
    __m512i tables[4];
};

INLINE unsigned rank(const float *thresholds, float value) {
    __m512 values = _mm512_set1_ps(value);
    unsigned block = _mm_popcnt_u32(
        _mm512_cmp_ps_mask(_mm512_load_ps(thresholds), values, _CMP_LE_OQ));
    unsigned rest = _mm_popcnt_u32(
        _mm512_cmp_ps_mask(_mm512_load_ps(thresholds + 16 + 16 * block), values, _CMP_LE_OQ));
    return 16 * block + rest;
}

INLINE unsigned rank_wide(const double *thresholds, double value) {
    __m512d values = _mm512_set1_pd(value);
    unsigned block =
        _mm_popcnt_u32(_mm512_cmp_pd_mask(_mm512_load_pd(thresholds), values, _CMP_LT_OQ))
        + _mm_popcnt_u32(_mm512_cmp_pd_mask(_mm512_load_pd(thresholds + 8), values, _CMP_LT_OQ));
    thresholds += 16 + 16 * block;
    unsigned rest =
        _mm_popcnt_u32(_mm512_cmp_pd_mask(_mm512_load_pd(thresholds), values, _CMP_LT_OQ))
        + _mm_popcnt_u32(_mm512_cmp_pd_mask(_mm512_load_pd(thresholds + 8), values, _CMP_LT_OQ));
    return 16 * block + rest;
}

/// 0 if a category goes left, 1 if right; `CategorySets.sendsLeft` in Swift.
INLINE uint8_t side(const uint32_t *words, uint32_t code) {
    const uint32_t header = words[0];
    const uint32_t missing = 1u << 24;
    if (code == missing) return !(header >> 31);
    const uint32_t word = code >> 5;
    const uint32_t isMember =
        word < (header & 0x00FFFFFF) ? words[1 + word] >> (code & 31) & 1 : 0;
    return isMember != (header >> 30 & 1);
}

/// The ranks at 64 slots.
INLINE __m512i look_up(const struct ranks *ranks, __m512i slots, const int tables) {
    if (tables == 1) return _mm512_permutexvar_epi8(slots, ranks->tables[0]);
    __m512i low = _mm512_permutex2var_epi8(ranks->tables[0], slots, ranks->tables[1]);
    if (tables == 2) return low;
    __m512i high = _mm512_permutex2var_epi8(ranks->tables[2], slots, ranks->tables[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(slots), low, high);
}

/// One bit per split of a screen (64 slots, then 64 numbers): 1 if the row goes right.
INLINE uint64_t screen(const struct ranks *ranks, const uint8_t *at, const int tables) {
    __m512i found = look_up(ranks, _mm512_load_si512(at), tables);
    return _cvtmask64_u64(_mm512_cmpgt_epu8_mask(found, _mm512_load_si512(at + 64)));
}

/// Walks the heaps of eight trees: 64 to 127, the way to the left first.
INLINE __m512i walk(__m512i bits) {
    const __m512i one = _mm512_set1_epi64(1);
    __m512i place = one;
    for (int level = 0; level < 6; level++) {
        __m512i bit = _mm512_srlv_epi64(bits, place);
        // (place << 1) | (bit & 1)
        place = _mm512_ternarylogic_epi64(_mm512_add_epi64(place, place), bit, one, 0xF8);
    }
    return place;
}

/// Goes through the records at `place` of eight trees: 0 to 3, as two bits.
INLINE __m512i descend(
    const struct ranks *ranks, const uint8_t *records, __m512i place, const int tables) {
    __m512i record = _mm512_i64gather_epi64(place, records, 8);
    __m512i found = look_up(ranks, record, tables);
    __m512i isRight = _mm512_movm_epi8(_mm512_cmpgt_epu8_mask(found, _mm512_srli_epi64(record, 32)));
    // The first split is byte 0, the one to the left of it byte 1, to the right byte 2.
    __m512i shift = _mm512_add_epi64(
        _mm512_and_si512(isRight, _mm512_set1_epi64(8)), _mm512_set1_epi64(8));
    __m512i second = _mm512_srlv_epi64(isRight, shift);
    return _mm512_or_si512(
        _mm512_and_si512(isRight, _mm512_set1_epi64(2)),
        _mm512_and_si512(second, _mm512_set1_epi64(1)));
}

INLINE void add_heap(
    const struct kassa_forest *forest, const struct kassa_run *run, const struct ranks *ranks,
    double *sum, const int tables, const int depths, const int isWide) {
    const uint8_t *screens = forest->bytes + run->screens;
    const uint8_t *records = forest->bytes + run->details;
    const float *leaves = (const float *)(forest->bytes + run->leaves);
    const double *wideLeaves = (const double *)(forest->bytes + run->leaves);
    const int64_t recordsPerTree = depths == 0 ? 0 : depths == 1 ? 64 : 320;
    const int64_t leavesPerTree = 64 << (2 * depths);
    const __m512i lanes = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i recordLanes = _mm512_mullo_epi64(lanes, _mm512_set1_epi64(recordsPerTree));
    const __m512i leafLanes = _mm512_mullo_epi64(lanes, _mm512_set1_epi64(leavesPerTree));
    _Alignas(64) uint64_t bits[BLOCK];
    _Alignas(64) int64_t places[BLOCK];
    float total = (float)*sum;
    double wideTotal = *sum;
    for (int64_t first = 0; first < run->trees; first += BLOCK) {
        const int64_t count = run->trees - first < BLOCK ? run->trees - first : BLOCK;
        for (int64_t tree = 0; tree < count; tree++)
            bits[tree] = screen(ranks, screens + 128 * (first + tree), tables);
        for (int64_t tree = 0; tree < count; tree += 8) {
            __m512i place = _mm512_sub_epi64(
                walk(_mm512_load_si512(bits + tree)), _mm512_set1_epi64(64));
            for (int depth = 0; depth < depths; depth++) {
                int64_t start = (first + tree) * recordsPerTree + (depth == 0 ? 0 : 64);
                __m512i at = _mm512_add_epi64(
                    _mm512_add_epi64(place, recordLanes), _mm512_set1_epi64(start));
                place = _mm512_add_epi64(
                    _mm512_slli_epi64(place, 2), descend(ranks, records, at, tables));
            }
            place = _mm512_add_epi64(
                _mm512_add_epi64(place, leafLanes),
                _mm512_set1_epi64((first + tree) * leavesPerTree));
            _mm512_store_si512(places + tree, place);
        }
        for (int64_t tree = 0; tree < count; tree++) {
            if (isWide) wideTotal += wideLeaves[places[tree]];
            else total += leaves[places[tree]];
        }
    }
    *sum = isWide ? wideTotal : total;
}

INLINE void add_paths_32(
    const struct kassa_forest *forest, const struct kassa_run *run, const struct ranks *ranks,
    double *sum, const int tables, const int isWide) {
    const uint8_t *screens = forest->bytes + run->screens;
    const uint8_t *paths = forest->bytes + run->details;
    const float *leaves = (const float *)(forest->bytes + run->leaves);
    const double *wideLeaves = (const double *)(forest->bytes + run->leaves);
    _Alignas(64) uint32_t bits[2 * BLOCK];
    float total = (float)*sum;
    double wideTotal = *sum;
    for (int64_t first = 0; first < run->trees; first += 2 * BLOCK) {
        const int64_t count = run->trees - first < 2 * BLOCK ? run->trees - first : 2 * BLOCK;
        for (int64_t tree = 0; tree < count; tree += 2) {
            uint64_t both = screen(ranks, screens + 64 * (first + tree), tables);
            __builtin_memcpy(bits + tree, &both, 8);
        }
        for (int64_t tree = 0; tree < count; tree++) {
            const uint8_t *at = paths + 256 * (first + tree);
            __m512i decided = _mm512_set1_epi32((int)bits[tree]);
            __mmask16 low = _mm512_cmpeq_epi32_mask(
                _mm512_and_si512(decided, _mm512_load_si512(at)), _mm512_load_si512(at + 64));
            __mmask16 high = _mm512_cmpeq_epi32_mask(
                _mm512_and_si512(decided, _mm512_load_si512(at + 128)),
                _mm512_load_si512(at + 192));
            int64_t place = 32 * (first + tree)
                + _tzcnt_u32(_cvtmask32_u32(_mm512_kunpackw(high, low)));
            if (isWide) wideTotal += wideLeaves[place];
            else total += leaves[place];
        }
    }
    *sum = isWide ? wideTotal : total;
}

INLINE void add_paths_64(
    const struct kassa_forest *forest, const struct kassa_run *run, const struct ranks *ranks,
    double *sum, const int tables, const int isWide) {
    const uint8_t *screens = forest->bytes + run->screens;
    const uint8_t *paths = forest->bytes + run->details;
    const float *leaves = (const float *)(forest->bytes + run->leaves);
    const double *wideLeaves = (const double *)(forest->bytes + run->leaves);
    float total = (float)*sum;
    double wideTotal = *sum;
    for (int64_t tree = 0; tree < run->trees; tree++) {
        __m512i decided = _mm512_set1_epi64(
            (int64_t)screen(ranks, screens + 128 * tree, tables));
        const uint8_t *at = paths + 1024 * tree;
        uint64_t found = 0;
        for (int part = 0; part < 8; part++) {
            __mmask8 equal = _mm512_cmpeq_epi64_mask(
                _mm512_and_si512(decided, _mm512_load_si512(at + 128 * part)),
                _mm512_load_si512(at + 128 * part + 64));
            found |= (uint64_t)_cvtmask8_u32(equal) << (8 * part);
        }
        int64_t place = 64 * tree + (int64_t)_tzcnt_u64(found);
        if (isWide) wideTotal += wideLeaves[place];
        else total += leaves[place];
    }
    *sum = isWide ? wideTotal : total;
}

INLINE void add_run(
    const struct kassa_forest *forest, const struct kassa_run *run, const struct ranks *ranks,
    double *sum, const int tables, const int isWide) {
    switch (run->shape) {
    case KASSA_HEAP_6: return add_heap(forest, run, ranks, sum, tables, 0, isWide);
    case KASSA_HEAP_8: return add_heap(forest, run, ranks, sum, tables, 1, isWide);
    case KASSA_HEAP_10: return add_heap(forest, run, ranks, sum, tables, 2, isWide);
    case KASSA_PATHS_32: return add_paths_32(forest, run, ranks, sum, tables, isWide);
    case KASSA_PATHS_64: return add_paths_64(forest, run, ranks, sum, tables, isWide);
    default: __builtin_trap();
    }
}

INLINE void add_runs(
    const struct kassa_forest *forest, const struct kassa_chunk *chunk, const uint8_t *bytes,
    double *sums, const int tables) {
    struct ranks ranks;
    for (int table = 0; table < tables; table++)
        ranks.tables[table] = _mm512_load_si512(bytes + 64 * table);
    for (uint32_t index = chunk->run_begin; index < chunk->run_end; index++) {
        const struct kassa_run *run = forest->runs + index;
        double *sum = sums + run->output;
        if (forest->has_wide_leaves) add_run(forest, run, &ranks, sum, tables, 1);
        else add_run(forest, run, &ranks, sum, tables, 0);
    }
}

static TARGET __attribute__((noinline)) void add_runs_1(
    const struct kassa_forest *forest, const struct kassa_chunk *chunk, const uint8_t *bytes,
    double *sums) {
    add_runs(forest, chunk, bytes, sums, 1);
}

static TARGET __attribute__((noinline)) void add_runs_2(
    const struct kassa_forest *forest, const struct kassa_chunk *chunk, const uint8_t *bytes,
    double *sums) {
    add_runs(forest, chunk, bytes, sums, 2);
}

static TARGET __attribute__((noinline)) void add_runs_4(
    const struct kassa_forest *forest, const struct kassa_chunk *chunk, const uint8_t *bytes,
    double *sums) {
    add_runs(forest, chunk, bytes, sums, 4);
}

INLINE void add_chunk(
    const struct kassa_forest *forest, const struct kassa_chunk *chunk, const uint8_t *bytes,
    double *sums) {
    uint32_t slots = chunk->search_end - chunk->search_begin;
    if (slots <= 64) add_runs_1(forest, chunk, bytes, sums);
    else if (slots <= 128) add_runs_2(forest, chunk, bytes, sums);
    else add_runs_4(forest, chunk, bytes, sums);
}

TARGET void kassa_forest_add(
    const struct kassa_forest *forest, const float *row, double *sums) {
    _Alignas(64) uint8_t bytes[KASSA_SLOTS_MAX];
    for (uint32_t index = 0; index < forest->chunk_count; index++) {
        const struct kassa_chunk *chunk = forest->chunks + index;
        for (uint32_t slot = chunk->search_begin; slot < chunk->set_begin; slot++) {
            const struct kassa_search *search = forest->searches + slot;
            bytes[slot - chunk->search_begin] =
                (uint8_t)rank(forest->thresholds + search->start, row[search->source]);
        }
        for (uint32_t slot = chunk->set_begin; slot < chunk->search_end; slot++) {
            const struct kassa_search *search = forest->searches + slot;
            uint32_t code;
            __builtin_memcpy(&code, row + search->source, sizeof code);
            bytes[slot - chunk->search_begin] = side(forest->words + search->start, (uint32_t)code);
        }
        add_chunk(forest, chunk, bytes, sums);
    }
}

TARGET void kassa_forest_add_wide(
    const struct kassa_forest *forest, const double *row, double *sums) {
    _Alignas(64) uint8_t bytes[KASSA_SLOTS_MAX];
    for (uint32_t index = 0; index < forest->chunk_count; index++) {
        const struct kassa_chunk *chunk = forest->chunks + index;
        for (uint32_t slot = chunk->search_begin; slot < chunk->set_begin; slot++) {
            const struct kassa_search *search = forest->searches + slot;
            bytes[slot - chunk->search_begin] =
                (uint8_t)rank_wide(forest->wide_thresholds + search->start, row[search->source]);
        }
        for (uint32_t slot = chunk->set_begin; slot < chunk->search_end; slot++) {
            const struct kassa_search *search = forest->searches + slot;
            uint64_t code;
            __builtin_memcpy(&code, row + search->source, sizeof code);
            bytes[slot - chunk->search_begin] = side(forest->words + search->start, (uint32_t)code);
        }
        add_chunk(forest, chunk, bytes, sums);
    }
}

#else

int kassa_has_avx512(void) { return 0; }

void kassa_forest_add(const struct kassa_forest *forest, const float *row, double *sums) {
    (void)forest, (void)row, (void)sums;
    __builtin_trap();
}

void kassa_forest_add_wide(const struct kassa_forest *forest, const double *row, double *sums) {
    (void)forest, (void)row, (void)sums;
    __builtin_trap();
}

#endif
