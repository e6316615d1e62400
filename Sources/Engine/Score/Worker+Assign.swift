// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Features
internal import Rollout
internal import Wire

/// Which slot of a scorer answers a request.
extension Worker {
    /// The place of the model that answers, where `scorer` is that of its STABLE slot.
    ///
    /// - Complexity: O(1) while no rollout is open, else O(bytes of the routing key).
    func answeringSlot(
        of scorer: Int, _ message: Span<UInt8>
    ) throws(EngineError) -> Int {
        guard request.routingKey.count <= FeatureLimits.idByteCountMax else {
            throw EngineError(
                .invalidArgument, "routing_key: longer than \(FeatureLimits.idByteCountMax) bytes")
        }
        let split = configuration.value.splits[scorer]
        guard split.isOpen else { return scorer }
        let brake = split.brake.flags
        if split.previous >= 0, split.canary < 0, split.shadow < 0,
            !brake.isDisjoint(with: [.undo, .rollBack])
        {
            return split.previous
        }
        guard split.canary >= 0, brake.isDisjoint(with: [.abort, .rollBack]) else { return scorer }
        return split.weight.includes(hash(by: split, message)) ? split.canary : scorer
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
