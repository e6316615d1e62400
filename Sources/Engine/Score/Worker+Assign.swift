// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Features
internal import Rollout
internal import Wire

/// Which slot of a scorer answers a request.
extension Worker {
    /// Who answers, where `place` is that of the scorer's STABLE slot.
    ///
    /// - Complexity: O(1) while nothing is watched, else O(bytes of the routing key).
    func assign(_ place: Int, _ message: Span<UInt8>) throws(EngineError) -> Assignment {
        guard request.routingKey.count <= FeatureLimits.idByteCountMax else {
            throw EngineError(
                .invalidArgument, "routing_key: longer than \(FeatureLimits.idByteCountMax) bytes")
        }
        let split = configuration.value.splits[place]
        guard split.isOpen || split.watch.isOn else { return Assignment(slot: place) }
        let brake = split.brake.flags
        if split.previous >= 0, split.canary < 0, split.shadow < 0,
            !brake.isDisjoint(with: [.undo, .rollBack])
        {
            return Assignment(slot: split.previous)
        }
        guard split.watch.isOn, brake.isDisjoint(with: [.abort, .rollBack]) else {
            return Assignment(slot: place)
        }
        let hash = hash(by: split, message)
        if split.watch.mode == .aftercare {
            return Assignment(
                slot: place, entity: hash, isWatched: split.watch.samples(hash))
        }
        let isIn = split.canary >= 0 && split.weight.includes(hash)
        return Assignment(slot: isIn ? split.canary : place, entity: hash, isWatched: true)
    }

    /// The hash of the request's routing key, else of the id of the scorer's entity. Without either it
    /// is the greatest: such requests have nothing to stick to, and all would move at once.
    private func hash(by split: Split, _ message: Span<UInt8>) -> UInt64 {
        if request.routingKey.count > 0 {
            return split.hash(message.extracting(request.routingKey))
        }
        for index in request.entities.indices
        where message.extracting(request.entities[index].kind).hasSameBytes(as: split.kind.span) {
            guard request.entities[index].id.count > 0 else { break }
            return split.hash(message.extracting(request.entities[index].id))
        }
        return .max
    }
}

/// Which of a scorer's slots answers a request.
struct Assignment {
    /// Its place among the configuration's models.
    var slot: Int
    /// The hash that has chosen it; 0 while nothing is watched.
    var entity: UInt64 = 0
    /// Whether a guard wants to know what becomes of it.
    var isWatched = false
}
