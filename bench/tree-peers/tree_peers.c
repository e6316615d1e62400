// SPDX-License-Identifier: Apache-2.0
//
// The engines that `Bench models` measures beside: one thread, one row at a time, through their C
// interfaces, whose functions are found in the libraries that PyPI's packages bring.
//
//     TreePeers ENGINE LIBRARY FOLDER ROWS COPIES SECONDS
//
// ENGINE is lightgbm, xgboost, onnxruntime, tl2cgen or lleaves; LIBRARY the shared library (for the
// last two the compiled model); ROWS a file of float32, 32 to a row. Row i goes to copy i % COPIES of
// the model: many copies do not fit in the caches. Prints the median time of a row over all groups of
// 32, and the sum of what came out of the first 256 rows.
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FEATURES 32
#define COPIES_MAX 64
// Rows that are timed together: few, so that being interrupted spoils few figures.
#define ROWS_TIMED 32
#define TIMES_MAX 1000000

static void *library;
static float *rows;
static size_t row_count;
static int copies;
static const char *folder;

static void fail(const char *what) {
    fprintf(stderr, "TreePeers: %s\n", what);
    exit(1);
}

static void *function(const char *name) {
    void *found = dlsym(library, name);
    if (!found) fail(name);
    return found;
}

static char *path(const char *name) {
    static char text[4096];
    snprintf(text, sizeof text, "%s/%s", folder, name);
    return text;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e6 + time.tv_nsec * 1e-3;
}

// MARK: LightGBM

static void *lightgbm_fast[COPIES_MAX];
static int (*lightgbm_predict)(void *, const void *, int64_t *, double *);

static void load_lightgbm(void) {
    int (*load)(const char *, int *, void **) = function("LGBM_BoosterCreateFromModelfile");
    int (*init)(void *, int, int, int, int, int32_t, const char *, void **) =
        function("LGBM_BoosterPredictForMatSingleRowFastInit");
    lightgbm_predict = function("LGBM_BoosterPredictForMatSingleRowFast");
    for (int copy = 0; copy < copies; copy++) {
        void *booster;
        int iterations;
        // 1: the sums; the values of a row are float32 (0).
        if (load(path("model.txt"), &iterations, &booster)
            || init(booster, 1, 0, -1, 0, FEATURES, "num_threads=1", &lightgbm_fast[copy]))
            fail("LightGBM does not load the model");
    }
}

static double lightgbm(int copy, const float *row) {
    int64_t length;
    double result;
    lightgbm_predict(lightgbm_fast[copy], row, &length, &result);
    return result;
}

// MARK: XGBoost

static void *xgboost_boosters[COPIES_MAX];
static float xgboost_row[FEATURES];
static char xgboost_array[256];
static int (*xgboost_predict)(
    void *, const char *, const char *, void *, const uint64_t **, uint64_t *, const float **);

static void load_xgboost(void) {
    int (*create)(const void *, uint64_t, void **) = function("XGBoosterCreate");
    int (*load)(void *, const char *) = function("XGBoosterLoadModel");
    int (*set)(void *, const char *, const char *) = function("XGBoosterSetParam");
    xgboost_predict = function("XGBoosterPredictFromDense");
    for (int copy = 0; copy < copies; copy++)
        if (create(NULL, 0, &xgboost_boosters[copy])
            || load(xgboost_boosters[copy], path("model.ubj"))
            || set(xgboost_boosters[copy], "nthread", "1"))
            fail("XGBoost does not load the model");
    snprintf(
        xgboost_array, sizeof xgboost_array,
        "{\"data\": [%llu, true], \"shape\": [1, %d], \"typestr\": \"<f4\", \"version\": 3}",
        (unsigned long long)(uintptr_t)xgboost_row, FEATURES);
}

static double xgboost(int copy, const float *row) {
    static const char config[] =
        "{\"type\": 1, \"training\": false, \"iteration_begin\": 0, \"iteration_end\": 0, "
        "\"strict_shape\": true, \"cache_id\": 0, \"missing\": NaN}";
    memcpy(xgboost_row, row, sizeof xgboost_row);
    const uint64_t *shape;
    uint64_t dimensions;
    const float *result;
    if (xgboost_predict(
            xgboost_boosters[copy], xgboost_array, config, NULL, &shape, &dimensions, &result))
        fail("XGBoost does not predict");
    return result[0];
}

// MARK: ONNX Runtime

// The functions of `OrtApi` that are called, by their places, which never change.
enum {
    CREATE_ENVIRONMENT = 3,
    CREATE_SESSION = 7,
    RUN = 9,
    CREATE_OPTIONS = 10,
    SET_THREADS = 24,
    CREATE_TENSOR = 49,
    CREATE_MEMORY_INFO = 69,
};
static void **ort;
static void *ort_sessions[COPIES_MAX];
static void *ort_input, *ort_output;
static float ort_row[FEATURES], ort_result[1];

static void *(*ort_run)(
    void *, const void *, const char *const *, const void *const *, size_t, const char *const *,
    size_t, void **);

static void load_onnxruntime(void) {
    struct base {
        void **(*api)(uint32_t);
    };
    const struct base *(*base)(void) = function("OrtGetApiBase");
    ort = base()->api(16);
    if (!ort) fail("ONNX Runtime has no API 16");
    void *(*environment)(int, const char *, void **) = ort[CREATE_ENVIRONMENT];
    void *(*session)(const void *, const char *, const void *, void **) = ort[CREATE_SESSION];
    void *(*options)(void **) = ort[CREATE_OPTIONS];
    void *(*threads)(void *, int) = ort[SET_THREADS];
    void *(*memory)(int, int, void **) = ort[CREATE_MEMORY_INFO];
    void *(*tensor)(const void *, void *, size_t, const int64_t *, size_t, int, void **) =
        ort[CREATE_TENSOR];
    ort_run = ort[RUN];
    void *given_environment, *given_options, *info;
    const int64_t input_shape[] = {1, FEATURES}, output_shape[] = {1, 1};
    if (environment(3, "peer", &given_environment) || options(&given_options)
        || threads(given_options, 1) || memory(1, 0, &info)
        || tensor(info, ort_row, sizeof ort_row, input_shape, 2, 1, &ort_input)
        || tensor(info, ort_result, sizeof ort_result, output_shape, 2, 1, &ort_output))
        fail("ONNX Runtime does not start");
    for (int copy = 0; copy < copies; copy++)
        if (session(given_environment, path("model.onnx"), given_options, &ort_sessions[copy]))
            fail("ONNX Runtime does not load the model");
}

static double onnxruntime(int copy, const float *row) {
    static const char *const inputs[] = {"input"}, *const outputs[] = {"variable"};
    const void *values[] = {ort_input};
    void *results[] = {ort_output};
    memcpy(ort_row, row, sizeof ort_row);
    if (ort_run(ort_sessions[copy], NULL, inputs, values, 1, outputs, 1, results))
        fail("ONNX Runtime does not run");
    return ort_result[0];
}

// MARK: Compiled models

static void *compiled[COPIES_MAX];

/// The entry of each copy: of a file of its own, because a library is loaded once.
static void load_compiled(const char *file, const char *entry) {
    for (int copy = 0; copy < copies; copy++) {
        char name[64], command[8300];
        snprintf(name, sizeof name, "/tmp/tree-peer-%d-%d.so", (int)getpid(), copy);
        snprintf(command, sizeof command, "cp '%s' %s", file, name);
        if (system(command)) fail("cannot copy the compiled model");
        library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
        remove(name);
        if (!library) fail(dlerror());
        compiled[copy] = function(entry);
    }
}

static double tl2cgen(int copy, const float *row) {
    union entry {
        int missing;
        double value;
    } entries[FEATURES];
    for (int index = 0; index < FEATURES; index++) {
        if (isnan(row[index])) entries[index].missing = -1;
        else entries[index].value = row[index];
    }
    double result = 0;
    ((void (*)(union entry *, int, double *))compiled[copy])(entries, 1, &result);
    return result;
}

static double lleaves(int copy, const float *row) {
    double values[FEATURES], result = 0;
    for (int index = 0; index < FEATURES; index++) values[index] = row[index];
    ((void (*)(double *, double *, int, int))compiled[copy])(values, &result, 0, 1);
    return result;
}

// MARK: Measuring

static int compare(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

static void measure(double (*predict)(int, const float *), double seconds) {
    static double times[TIMES_MAX];
    size_t count = 0, row = 0;
    double sum = 0;
    volatile double sink = 0;
    for (size_t first = 0; first < 256; first++)
        sum += predict(first % copies, rows + first * FEATURES);
    double end = now() + seconds * 1e6;
    do {
        double start = now();
        for (int timed = 0; timed < ROWS_TIMED; timed++, row++) {
            if (row == row_count) row = 0;
            sink += predict(row % copies, rows + row * FEATURES);
        }
        times[count++] = (now() - start) / ROWS_TIMED;
    } while (now() < end && count < TIMES_MAX);
    qsort(times, count, sizeof *times, compare);
    printf("us %.4f\nsum %.17g\n", times[count / 2], sum);
}

int main(int count, char **words) {
    if (count != 7) fail("usage: TreePeers ENGINE LIBRARY FOLDER ROWS COPIES SECONDS");
    const char *engine = words[1];
    folder = words[3];
    copies = atoi(words[5]);
    if (copies < 1 || copies > COPIES_MAX) fail("COPIES must lie between 1 and 64");
    FILE *file = fopen(words[4], "rb");
    if (!file) fail("cannot open the rows");
    rows = malloc(1 << 24);
    row_count = fread(rows, sizeof(float) * FEATURES, (1 << 24) / (sizeof(float) * FEATURES), file);
    fclose(file);
    if (row_count < 256) fail("too few rows");
    double (*predict)(int, const float *) = NULL;
    if (!strcmp(engine, "tl2cgen")) {
        load_compiled(words[2], "predict");
        predict = tl2cgen;
    } else if (!strcmp(engine, "lleaves")) {
        load_compiled(words[2], "forest_root");
        predict = lleaves;
    } else {
        library = dlopen(words[2], RTLD_NOW | RTLD_LOCAL);
        if (!library) fail(dlerror());
        if (!strcmp(engine, "lightgbm")) load_lightgbm(), predict = lightgbm;
        if (!strcmp(engine, "xgboost")) load_xgboost(), predict = xgboost;
        if (!strcmp(engine, "onnxruntime")) load_onnxruntime(), predict = onnxruntime;
    }
    if (!predict) fail("no such engine");
    measure(predict, atof(words[6]));
    return 0;
}
