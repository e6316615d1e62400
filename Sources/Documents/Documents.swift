// SPDX-License-Identifier: Apache-2.0
//
// Documents: feature sets, scorers and models as files that people write.
//
// A file is YAML, read by libyaml into a small tree that remembers lines and columns; the tree is
// read into the API's messages. What is printed (YAML or JSON) goes the other way through `Tree`,
// and what is printed as YAML reads back as the same document.
//
// Invariant: every key of a file is known and used; an error names line, column and the nearest key.
// Traps: whether a scalar is quoted matters ("1" is text, 1 a number). Aliases, anchors and tags are
// refused. Only the shape is checked here; what a name refers to, the server knows.
//
//     let documents = try DocumentFile.resources(in: bytes)            // kassa apply -f
//     let model = try DocumentFile.model(in: bytes)                    // kassa model upload
//     print(DocumentFile.yaml(documents))                              // kassa get -o yaml
