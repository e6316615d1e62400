// SPDX-License-Identifier: Apache-2.0
#pragma once
// The sum of a forest's leaves for one row, by vector instructions that Swift has no names for.
//
// A forest is cut into chunks, each of trees that stand one after the other. Within a chunk the
// thresholds of a slot of the prepared row are numbered in their order, so that a row's value becomes
// one byte, its rank, and `value < threshold` becomes `rank <= number`: the same answer, exactly. The
// ranks of a row fit into registers, and 64 splits are decided by one instruction. What is left is to
// find a tree's leaf from the bits of its splits.
//
// Nothing here is checked: Swift's `RankedPacker` lays out what was verified before.
#include <stdint.h>

/// Slots that a chunk may have.
#define KASSA_SLOTS_MAX 256
/// Thresholds of one slot: one less than a byte has values, because a rank may be their count.
#define KASSA_THRESHOLDS_MAX 255
/// Trees that stand side by side; every run has a multiple.
#define KASSA_GROUP_WIDTH 8

/// How a row's value becomes a rank.
struct kassa_search {
    /// The slot of the prepared row.
    uint32_t source;
    /// Where its thresholds start: 16 pivots (the last threshold of each block), then blocks of 16,
    /// filled up with NaN, of which the last block has at least one.
    uint32_t start;
};

/// How a run's trees are laid out.
enum kassa_shape {
    /// A heap of six levels, and the leaves below.
    KASSA_HEAP_6 = 0,
    /// Two levels more, as a record of three splits for each way through the heap.
    KASSA_HEAP_8 = 1,
    /// And two more.
    KASSA_HEAP_10 = 2,
    /// At most 32 leaves: each has the splits on its way and how they decide.
    KASSA_PATHS_32 = 3,
    /// At most 64 leaves.
    KASSA_PATHS_64 = 4,
};

/// Trees of one output and one shape, in their order.
struct kassa_run {
    uint32_t output;
    uint32_t shape;
    uint32_t trees;
    uint32_t reserved;
    /// Where the run's screens, records or paths, and leaves start, in bytes.
    uint64_t screens, details, leaves;
};

struct kassa_chunk {
    uint32_t search_begin;
    /// From here on a slot is a set of categories: its source holds a code, `start` is the place of
    /// its header among the words, and its rank is 0 for left, 1 for right.
    uint32_t set_begin;
    uint32_t search_end;
    uint32_t run_begin, run_end;
};

struct kassa_forest {
    const struct kassa_chunk *chunks;
    const struct kassa_search *searches;
    const struct kassa_run *runs;
    const float *thresholds;
    /// The same as float64, compared with `<`, for rows of float64; null if there are none.
    const double *wide_thresholds;
    /// The sets of categories, as Swift's `CategorySets` has them.
    const uint32_t *words;
    const uint8_t *bytes;
    uint32_t chunk_count;
    /// Whether leaves are float64, and added as such.
    uint32_t has_wide_leaves;
};

/// Whether this processor has what `kassa_forest_add` needs.
int kassa_has_avx512(void);

/// Adds the leaves that a prepared row reaches to `sums`, tree by tree in their order.
///
/// The sums of a forest with leaves of float32 are float32 numbers, before and after.
void kassa_forest_add(const struct kassa_forest *forest, const float *row, double *sums);

/// As above for a prepared row of float64; the code of a category is in the low bits of its slot.
void kassa_forest_add_wide(const struct kassa_forest *forest, const double *row, double *sums);
