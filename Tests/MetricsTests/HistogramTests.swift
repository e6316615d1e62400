// SPDX-License-Identifier: Apache-2.0

import Base
import Metrics
import Testing

struct `Log-linear buckets` {
    @Test func `every bucket begins where the one before it ends`() {
        #expect(LogLinear.lowerBound(of: 0) == 0)
        for index in 1..<LogLinear.bucketCount {
            #expect(LogLinear.lowerBound(of: index) == LogLinear.upperBound(of: index - 1) + 1)
        }
        #expect(LogLinear.upperBound(of: LogLinear.bucketCount - 1) == LogLinear.valueMax)
    }

    @Test func `both edges of every bucket fall into it`() {
        for index in 0..<LogLinear.bucketCount {
            #expect(LogLinear.index(of: LogLinear.lowerBound(of: index)) == index)
            #expect(LogLinear.index(of: LogLinear.upperBound(of: index)) == index)
        }
    }

    @Test func `no bucket is wider than a thirty-second of its values`() {
        for index in 64..<LogLinear.bucketCount {
            let lower = LogLinear.lowerBound(of: index)
            #expect((LogLinear.upperBound(of: index) - lower + 1) * 32 <= lower)
        }
    }

    @Test(arguments: [LogLinear.valueMax, LogLinear.valueMax + 1, .max])
    func `what is too large falls into the last bucket`(value: UInt64) {
        #expect(LogLinear.index(of: value) == LogLinear.bucketCount - 1)
    }
}

struct `A histogram` {
    @Test(arguments: [1, 2, 3, 5, 8] as [UInt64])
    func `gives quantiles within 1.6 % of the sorted values`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let histogram = Histogram()
        // Log-uniform from 1 µs to 60 s, with a cluster, as latencies are.
        var values = (0..<20_000).map { _ in
            let exponent = UInt64.random(in: 10..<35, using: &generator)
            return (1 << exponent) + UInt64.random(in: 0..<(1 << exponent), using: &generator)
        }
        values += (0..<20_000).map { _ in UInt64.random(in: 80_000...90_000, using: &generator) }
        for value in values { histogram.record(nanoseconds: value) }
        values.sort()
        for fraction in [0, 0.001, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1] {
            let rank = max(Int((fraction * Double(values.count)).rounded(.up)), 1)
            let truth = Double(values[rank - 1])
            let error = abs(Double(histogram.quantile(fraction)) - truth) / truth
            #expect(error <= 0.016, "seed \(seed), fraction \(fraction)")
        }
        #expect(histogram.max == values.last)
        #expect(histogram.min == values.first)
        #expect(histogram.count == 40_000)
        let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
        #expect(abs(histogram.mean - mean) / mean < 1e-9)
    }

    @Test func `is exact below 64 nanoseconds`() {
        let histogram = Histogram()
        for value in 1...60 as ClosedRange<UInt64> { histogram.record(nanoseconds: value) }
        #expect(histogram.quantile(0.5) == 30)
        #expect(histogram.quantile(0.99) == 60)
        #expect(histogram.quantile(1.0 / 60) == 1)
    }

    @Test func `of nothing is 0 everywhere`() {
        let histogram = Histogram()
        #expect(histogram.quantile(0.5) == 0)
        #expect(histogram.max == 0)
        #expect(histogram.min == 0)
        #expect(histogram.mean == 0)
        histogram.record(nanoseconds: 5, count: 0)
        #expect(histogram.max == 0)
    }

    @Test(arguments: [-1, .nan, -.infinity] as [Double])
    func `takes a fraction below its range as 0`(fraction: Double) {
        let histogram = Histogram()
        histogram.record(nanoseconds: 3)
        histogram.record(nanoseconds: 40)
        #expect(histogram.quantile(fraction) == 3)
        #expect(histogram.quantile(.infinity) == 40)
    }

    @Test func `merges into what one histogram of all values would be`() {
        var generator = SeededGenerator(seed: 11)
        let whole = Histogram()
        let parts = (0..<4).map { _ in Histogram() }
        for _ in 0..<10_000 {
            let value = UInt64.random(in: 0...10_000_000_000, using: &generator)
            whole.record(nanoseconds: value)
            parts[Int.random(in: 0..<4, using: &generator)].record(nanoseconds: value)
        }
        let merged = Histogram()
        for part in parts { merged.merge(part) }
        merged.merge(Histogram())
        for fraction in [0, 0.1, 0.5, 0.9, 0.999, 1] {
            #expect(merged.quantile(fraction) == whole.quantile(fraction))
        }
        #expect(merged.count == whole.count)
        #expect(merged.mean == whole.mean)
        #expect(merged.min == whole.min)
        #expect(merged.max == whole.max)
        merged.reset()
        #expect(merged.count == 0)
        #expect(merged.max == 0)
    }

    @Test func `holds a billion values`() {
        let histogram = Histogram()
        histogram.record(nanoseconds: 100_000, count: 999_900_000)
        histogram.record(nanoseconds: 1_000_000, count: 90_000)
        histogram.record(nanoseconds: 80_000_000_000, count: 10_000)
        #expect(histogram.count == 1_000_000_000)
        #expect(abs(Double(histogram.quantile(0.9999)) - 100_000) <= 1_600)
        #expect(abs(Double(histogram.quantile(0.99995)) - 1_000_000) <= 16_000)
        #expect(histogram.quantile(1) == 80_000_000_000)
    }
}

struct `Declared bounds` {
    @Test func `put a value at a bound into that bound's bucket and one more into the next`() {
        for declared in [BucketBounds.latency, .groupSize] {
            let bounds = declared.bounds
            for (index, bound) in bounds.enumerated() {
                let belowIsBound = index > 0 && bounds[index - 1] == bound - 1
                #expect(declared.bucket(of: bound - 1) == (belowIsBound ? index - 1 : index))
                #expect(declared.bucket(of: bound) == index)
                #expect(declared.bucket(of: bound + 1) == index + 1)
            }
            #expect(declared.bucket(of: 0) == 0)
            #expect(declared.bucket(of: .max) == declared.bounds.count)
        }
    }

    @Test(arguments: [21, 22, 23] as [UInt64])
    func `find the bucket that a linear search finds`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        // Close together on purpose: several bounds in one log-linear bucket.
        let bounds = Set((0..<30).map { _ in UInt64.random(in: 1...100_000, using: &generator) })
            .union([1_000_000, 1_000_001, 1_000_002, .max - 1])
            .sorted()
        let declared = BucketBounds(bounds: bounds, unitsPerOne: 1)
        for _ in 0..<20_000 {
            let bits = UInt64.random(in: 0..<64, using: &generator)
            let value = generator.next() >> bits
            let oracle = bounds.firstIndex { $0 >= value } ?? bounds.count
            #expect(declared.bucket(of: value) == oracle, "seed \(seed), value \(value)")
        }
        for bound in bounds {
            for value in [bound - 1, bound, bound + 1] {
                let oracle = bounds.firstIndex { $0 >= value } ?? bounds.count
                #expect(declared.bucket(of: value) == oracle, "seed \(seed), value \(value)")
            }
        }
    }

    @Test func `keep the series of a block apart`() {
        let histogram = BucketHistogram(bounds: .latency, seriesCount: 3)
        histogram.record(25_000, series: 1)
        histogram.record(25_001, series: 1)
        histogram.record(5_000_000_000_000, series: 1)
        #expect(histogram.snapshot(series: 0).count == 0)
        #expect(histogram.snapshot(series: 2).count == 0)
        #expect(histogram.snapshot(series: 2).sum == 0)
        let snapshot = histogram.snapshot(series: 1)
        #expect(snapshot.count == 3)
        #expect(snapshot.buckets[0] == 1)
        #expect(snapshot.buckets[1] == 1)
        #expect(snapshot.buckets.last == 1)
        #expect(snapshot.sum == 5_000_000_050_001)
    }
}
