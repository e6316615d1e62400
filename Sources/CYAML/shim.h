// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stdlib.h>

#include <yaml.h>

// The parser is a large struct full of unions; Swift only ever sees a pointer to it.
static inline yaml_parser_t *kassa_yaml_open(const unsigned char *bytes, size_t count) {
    yaml_parser_t *parser = (yaml_parser_t *)malloc(sizeof *parser);
    if (parser == NULL) return NULL;
    if (!yaml_parser_initialize(parser)) {
        free(parser);
        return NULL;
    }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(parser, bytes, count);
    return parser;
}

static inline void kassa_yaml_close(yaml_parser_t *parser) {
    yaml_parser_delete(parser);
    free(parser);
}

// An event without its unions. The strings belong to `event`, which kassa_yaml_event_delete frees.
typedef struct {
    yaml_event_type_t type;
    size_t line;
    size_t column;
    // Of a scalar.
    const unsigned char *value;
    size_t byte_count;
    int is_plain;
    // Of any node.
    int has_anchor;
    int has_tag;
    yaml_event_t event;
} kassa_yaml_event;

// The next event; 0 if the input is malformed (see the parser's problem).
static inline int kassa_yaml_next(yaml_parser_t *parser, kassa_yaml_event *next) {
    yaml_event_t *event = &next->event;
    next->value = NULL;
    next->byte_count = 0;
    next->is_plain = next->has_anchor = next->has_tag = 0;
    if (!yaml_parser_parse(parser, event)) return 0;
    next->type = event->type;
    next->line = event->start_mark.line;
    next->column = event->start_mark.column;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        next->value = event->data.scalar.value;
        next->byte_count = event->data.scalar.length;
        next->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        next->has_anchor = event->data.scalar.anchor != NULL;
        next->has_tag = event->data.scalar.tag != NULL;
        break;
    case YAML_SEQUENCE_START_EVENT:
        next->has_anchor = event->data.sequence_start.anchor != NULL;
        next->has_tag = event->data.sequence_start.tag != NULL;
        break;
    case YAML_MAPPING_START_EVENT:
        next->has_anchor = event->data.mapping_start.anchor != NULL;
        next->has_tag = event->data.mapping_start.tag != NULL;
        break;
    default:
        break;
    }
    return 1;
}

static inline void kassa_yaml_event_delete(kassa_yaml_event *next) {
    yaml_event_delete(&next->event);
}
