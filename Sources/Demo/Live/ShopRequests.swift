// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Simulator

/// What the driver asks of the server about a moment in the shop.
enum ShopRequests {
    static let scorer = "cart_abandonment"

    /// One row of the session's features, without an event time: the time of receipt counts,
    /// because the shop's time runs faster than the server's.
    static func write(_ session: String, _ features: SessionFeatures) -> KassaV1.WriteRequest {
        row(
            of: SessionFeatures.featureSet, kind: "session", id: session,
            SessionFeatures.columns, features.values)
    }

    /// One row of a known customer's history.
    static func write(_ customer: CustomerProfile) -> KassaV1.WriteRequest {
        row(
            of: CustomerProfile.featureSet, kind: "customer", id: customer.id,
            CustomerProfile.columns, customer.values)
    }

    /// A score for a session; a guest is the customer with the empty id.
    static func score(_ moment: ShopMoment) -> KassaV1.ScoreRequest {
        KassaV1.ScoreRequest(
            scorer: scorer,
            entities: [
                KassaV1.EntityKey(kind: "session", id: moment.sessionID),
                KassaV1.EntityKey(kind: "customer", id: moment.shopper.customer?.id ?? ""),
            ])
    }

    /// Scores for sessions of known customers and guests, each to be kept for its outcome.
    static func scores(
        _ visits: [(session: String, customer: String?)]
    ) -> KassaV1.ScoreBatchRequest {
        KassaV1.ScoreBatchRequest(
            scorer: scorer,
            rows: visits.map {
                KassaV1.ScoreRow(entities: [
                    KassaV1.EntityKey(kind: "session", id: $0.session),
                    KassaV1.EntityKey(kind: "customer", id: $0.customer ?? ""),
                ])
            }, record: true)
    }

    private static func row(
        of set: String, kind: String, id: String, _ columns: [FeatureColumn],
        _ values: [FeatureValue]
    ) -> KassaV1.WriteRequest {
        KassaV1.WriteRequest(
            featureSet: "\(set)@1", keys: [KassaV1.KeyColumn(kind: kind, ids: [id])],
            columns: zip(columns, values).map(column))
    }

    private static func column(_ column: FeatureColumn, _ value: FeatureValue) -> KassaV1.Column {
        var cell = KassaV1.Column(name: column.name)
        switch value {
        case .float(let number): cell.values = .floats(KassaV1.FloatValues(values: [number]))
        case .integer(let number):
            cell.values = .integers(KassaV1.IntegerValues(values: [number]))
        case .flag(let flag): cell.values = .flags(KassaV1.FlagValues(values: [flag]))
        case .text(let text): cell.values = .texts(KassaV1.TextValues(values: [text]))
        case .missing: cell.nulls = [1]
        }
        return cell
    }
}
