// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Features
internal import Rollout
internal import Wire

/// Which slot of a scorer answers a request.
extension Worker {
    /// Who answers, where `stable` is the scorer's STABLE slot.
    ///
    /// - Complexity: O(1) while nothing is watched, else O(bytes of the routing key).
    func assign(
        _ stable: ScoreLane, _ message: Span<UInt8>
    ) throws(EngineError) -> Assignment {
        guard request.routingKey.count <= FeatureLimits.idByteCountMax else {
            throw EngineError(
                .invalidArgument, "routing_key: longer than \(FeatureLimits.idByteCountMax) bytes")
        }
        let place = stable.place
        let split = stable.split
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

    /// The hash of what the request sticks to. Without that it is the greatest: such requests have nothing to
    /// stick to, and all would move at once.
    private func hash(by split: Split, _ message: Span<UInt8>) -> UInt64 {
        guard let unit = unit(of: split, message), unit.count > 0 else { return .max }
        return split.hash(message.extracting(unit))
    }

    /// What the request sticks to: its routing key, else the id of the scorer's entity, which may be empty; nil
    /// without either.
    func unit(of split: Split, _ message: Span<UInt8>) -> ByteRange? {
        if request.routingKey.count > 0 { return request.routingKey }
        let kind = split.kind
        for index in request.entities.indices
        where message.extracting(request.entities[index].kind).hasSameBytes(as: kind.span) {
            return request.entities[index].id
        }
        return nil
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
