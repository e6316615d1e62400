// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// The reads of a protobuf message with this module's errors.
extension WireReader {
    private func broken(_ error: WireError) -> ImportError {
        .syntax(offset: position, problem: "not well-formed protobuf (\(error))")
    }

    mutating func nextField() throws(ImportError) -> WireTag? {
        do throws(WireError) { return try next() } catch { throw broken(error) }
    }

    mutating func pass(_ tag: WireTag) throws(ImportError) {
        do throws(WireError) { try skip(tag) } catch { throw broken(error) }
    }

    @_lifetime(copy self)
    mutating func message() throws(ImportError) -> WireReader {
        do throws(WireError) { return try nested() } catch { throw broken(error) }
    }

    @_lifetime(copy self)
    mutating func blob() throws(ImportError) -> Span<UInt8> {
        do throws(WireError) { return try span() } catch { throw broken(error) }
    }

    mutating func name() throws(ImportError) -> String {
        let text: String
        do throws(WireError) { text = try string() } catch { throw broken(error) }
        guard text.utf8.count <= ImportLimits.stringBytesMax else {
            throw .limit("bytes in a string", max: ImportLimits.stringBytesMax)
        }
        return text
    }

    mutating func integer() throws(ImportError) -> Int {
        do throws(WireError) { return Int(try int64()) } catch { throw broken(error) }
    }

    mutating func single() throws(ImportError) -> Float {
        do throws(WireError) { return try float() } catch { throw broken(error) }
    }

    /// Adds the numbers of a repeated field, packed or one alone; returns how many.
    mutating func floats(_ tag: WireTag, into values: inout [Float]) throws(ImportError) -> Int {
        let before = values.count
        do throws(WireError) {
            if tag.type == .lengthDelimited {
                try packed(float: &values)
            } else {
                values.append(try float())
            }
        } catch { throw broken(error) }
        return values.count - before
    }

    /// Adds the numbers of a repeated field, packed or one alone; returns how many.
    mutating func integers(_ tag: WireTag, into values: inout [Int64]) throws(ImportError) -> Int {
        let before = values.count
        do throws(WireError) {
            if tag.type == .lengthDelimited {
                try packed(int64: &values)
            } else {
                values.append(try int64())
            }
        } catch { throw broken(error) }
        return values.count - before
    }
}
