// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Simulator

/// Snapshots of sessions at random moments while the cart is filled, with how they ended.
///
/// Every event of a filled cart is as likely to become a row as any other, so that a model trained
/// on the rows is calibrated for a server that is asked at every event. (Taking a fixed number per
/// session would overweight short sessions, which are the abandoned ones.) A session's rows come
/// when it ends, together, under its id: split by it.
struct TrainingRows: IteratorProtocol {
    /// The share of the moments that become rows.
    static let samplingShare = 0.2

    static let columns = SessionFeatures.columns + CustomerProfile.columns
    static let header =
        (["session_id"] + columns.map(\.name) + ["abandoned"]).joined(separator: ",")

    private struct Recording {
        var features: SessionFeatures
        var lines: [String] = []
    }

    private var shop: Shop
    private var generator: SeededGenerator
    private var recordings: [Int: Recording] = [:]

    init(shop: Shop, seed: UInt64) {
        self.shop = shop
        generator = SeededGenerator(seed: ~seed)
    }

    /// The rows of the next session that ends, perhaps none; `nil` after the last session.
    mutating func next() -> [String]? {
        while let moment = shop.next() {
            var recording =
                recordings.removeValue(forKey: moment.session)
                ?? Recording(features: SessionFeatures(moment))
            if moment.event.isLast {
                let label = moment.event.action == .left ? "1" : "0"
                return recording.lines.map { "\(moment.sessionID),\($0),\(label)" }
            }
            recording.features.record(moment.event)
            if recording.features.cartItems > 0, isSampled() {
                recording.lines.append(
                    TrainingRows.cells(recording.features, moment.shopper.customer))
            }
            recordings[moment.session] = recording
        }
        return nil
    }

    private mutating func isSampled() -> Bool {
        Double(generator.next() >> 11) * 0x1p-53 < TrainingRows.samplingShare
    }

    private static func cells(_ session: SessionFeatures, _ customer: CustomerProfile?) -> String {
        let known = customer?.values ?? CustomerProfile.columns.map { _ in .missing }
        return (session.values + known).map(cell).joined(separator: ",")
    }

    private static func cell(_ value: FeatureValue) -> String {
        switch value {
        case .float(let number): "\(number)"
        case .integer(let number): "\(number)"
        case .flag(let flag): flag ? "1" : "0"
        case .text(let text): text
        case .missing: ""
        }
    }
}
