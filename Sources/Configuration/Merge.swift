// How drop-in files change what earlier files say: the later file wins, key by key, in each
// section. Entries of an array of tables (`[[pump]]`) are known by their `name`: one with the
// name of an earlier file's entry changes that entry key by key, one with a new name is added at
// the end. Everything deeper (lists, inline tables) is replaced whole.

extension TOMLTable {
    /// The receiver with `later` laid over it.
    func merged(with later: TOMLTable) -> TOMLTable {
        var result = self
        for entry in later.entries {
            guard let index = result.entries.firstIndex(where: { $0.key == entry.key }) else {
                result.entries.append(entry)
                continue
            }
            let earlier = result.entries[index].value
            var value = entry.value
            switch (earlier.kind, entry.value.kind) {
            case (.table(let a), .table(let b)):
                value = TOMLValue(kind: .table(a.replacing(b)), place: entry.value.place)
            case (.array(let a), .array(let b)):
                value = TOMLValue(kind: .array(Self.merge(a, b)), place: entry.value.place)
            default: break
            }
            result.entries[index] = Entry(key: entry.key, place: entry.place, value: value)
        }
        return result
    }

    private func replacing(_ later: TOMLTable) -> TOMLTable {
        var result = self
        for entry in later.entries {
            if let index = result.entries.firstIndex(where: { $0.key == entry.key }) {
                result.entries[index] = entry
            } else {
                result.entries.append(entry)
            }
        }
        return result
    }

    private static func merge(_ earlier: [TOMLValue], _ later: [TOMLValue]) -> [TOMLValue] {
        var result = earlier
        for value in later {
            let match = earlier.firstIndex {
                name(of: $0) != nil && name(of: $0) == name(of: value)
            }
            guard let index = match, case .table(let a) = result[index].kind,
                case .table(let b) = value.kind
            else {
                result.append(value)
                continue
            }
            result[index] = TOMLValue(kind: .table(a.replacing(b)), place: value.place)
        }
        return result
    }

    private static func name(of value: TOMLValue) -> String? {
        guard case .table(let table) = value.kind, case .string(let name) = table["name"]?.kind
        else { return nil }
        return name
    }
}
