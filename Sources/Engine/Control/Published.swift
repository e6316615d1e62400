// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// An immutable value that one thread replaces whole and many threads read.
///
/// A reader holds a ``Subscription``: as long as nothing was published it costs one atomic load and
/// takes no lock. A replaced value is released when the last reader has moved on.
package final class Published<Value: AnyObject & Sendable>: Sendable {
    fileprivate let revision = Atomic<UInt64>(1)
    private let value: Mutex<Value>

    /// Publishes `value` as the first.
    package init(_ value: Value) {
        self.value = Mutex(value)
    }

    /// The value in force. Takes a lock: for control work, not for requests.
    package var current: Value {
        value.withLock { $0 }
    }

    /// Replaces the value; every subscription sees it at its next refresh.
    package func publish(_ next: Value) {
        value.withLock { value in
            value = next
            // Under the lock: whoever has seen the value finds that the revision has moved too.
            revision.add(1, ordering: .releasing)
        }
    }

    /// One reader's view of a published value, owned by one thread.
    package struct Subscription {
        private let source: Published<Value>
        private var seenRevision: UInt64
        /// The value as of the last refresh.
        package private(set) var value: Value

        /// A view of what `source` publishes, beginning with the value in force.
        package init(_ source: Published<Value>) {
            self.source = source
            seenRevision = source.revision.load(ordering: .acquiring)
            value = source.current
        }

        /// Whether there is a newer value.
        package var isStale: Bool {
            source.revision.load(ordering: .acquiring) != seenRevision
        }

        /// Moves to the newest value; says whether it changed.
        @discardableResult
        package mutating func refresh() -> Bool {
            let revision = source.revision.load(ordering: .acquiring)
            guard revision != seenRevision else { return false }
            seenRevision = revision
            value = source.current
            return true
        }
    }
}
