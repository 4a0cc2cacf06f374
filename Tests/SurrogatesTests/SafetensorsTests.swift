import Surrogates
import Testing

@Suite struct SafetensorsTests {
    /// A file with `header` and `data`, made by hand after the format's description.
    private func file(_ header: String, data: [UInt8] = []) -> [UInt8] {
        let text = Array(header.utf8)
        return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text + data
    }

    @Test func readsNumbersWrittenByHand() throws {
        // 1.0 and −2.5 as single, 0.5 as double precision, least significant byte first.
        let data: [UInt8] = [0, 0, 0x80, 0x3F, 0, 0, 0x20, 0xC0, 0, 0, 0, 0, 0, 0, 0xE0, 0x3F]
        let read = try Safetensors(
            bytes: file(
                #"{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}, "#
                    + #""b\n":{"shape":[],"dtype":"F64","data_offsets":[8,16]},"#
                    + #""__metadata__":{"k":"v"}}   "#, data: data))
        #expect(read.tensors["a"]?.shape == [1, 2])
        #expect(read.tensors["a"]?.values == [1, -2.5])
        #expect(read.tensors["b\n"]?.shape == [])
        #expect(read.tensors["b\n"]?.values == [0.5])
        #expect(read.metadata == ["k": "v"])
    }

    @Test func whatIsWrittenReadsBack() throws {
        let original = Safetensors(
            tensors: [
                "weights \"q\"": Tensor(shape: [2, 3], values: [1, 2, 3, 4.5, -6, 0.25]),
                "exact": Tensor(shape: [2], element: .float64, values: [0.1, 1e300]),
                "none": Tensor(shape: [0, 4], values: []),
            ], metadata: ["note": "line\nbreak"])
        let bytes = original.encoded()
        #expect(try Safetensors(bytes: bytes) == original)
        for cut in 0..<bytes.count {
            #expect(throws: SafetensorsError.self) {
                try Safetensors(bytes: Array(bytes[..<cut]))
            }
        }
    }

    @Test(arguments: [
        "", "[]", "{", "{}x", #"{"a"}"#, #"{"a":{}}"#, #"{"a":{"dtype":"F32"}}"#,
        #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
        #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[999999999,999999999,99999],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#,
        #"{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},}"#,
        #"{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        #"{"a\"#, #"{"a\u00"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
            + #""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
    ])
    func malformedHeadersAreRefused(_ header: String) {
        #expect(throws: SafetensorsError.self) {
            try Safetensors(bytes: file(header, data: [0, 0, 0, 0, 0, 0, 0, 0]))
        }
    }

    @Test func anAbsurdLengthIsNotBelieved() {
        let bytes = [UInt8](repeating: 0xFF, count: 16)
        #expect(
            throws: SafetensorsError.headerTooLong(
                bytes: .max, limit: Safetensors.maximumHeaderBytes)
        ) { try Safetensors(bytes: bytes) }
    }
}
