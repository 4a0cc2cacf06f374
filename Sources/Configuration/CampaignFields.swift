import Quantities

extension CampaignSettings {
    static var fields: [Field<CampaignSettings>] {
        [
            .text("name", \.name, "A name for people."),
            .seed("seed", \.seed, "Seed of every random choice."),
            .count("batch", \.batch, 1...200, "Recipes per run."),
            .count("runs", \.runs, 1...1_000, "Runs at most; the first is a Latin hypercube."),
            .number(
                "loss_threshold", \.lossThreshold, 0...2,
                "Stop when the best condition's median loss is below this."),
            .text(
                "target", \.targetPath,
                "CSV of the wanted spectrum (wavelength in nm, value); empty: the built-in prism."),
            .number(
                "exploration_jitter", \.explorationJitter, 0...10,
                "Margin by which a proposal must promise to beat the best."),
            .choice("method", \.method, "Who proposes recipes after the first run."),
            .count(
                "hand_over_run", \.handOverRun, 2...1_000,
                "First run in which the network proposes too (two-step)."),
            .number(
                "hand_over_stability", \.handOverStability, 0...1,
                "Or earlier, once successive networks agree (mean cosine); 1: not asked for."),
            .number(
                "hand_over_error", \.handOverError, 0...2,
                "Or earlier, once fresh losses are foreseen with this mean error; 0: not asked for."
            ),
            .quantity(
                "network_share", .share, \.networkShare, 0.01...0.99,
                "Share of a batch that is the network's once both propose."),
            .number(
                "stop_stability", \.stopStability, 0...1,
                "Stop once successive networks agree (mean cosine); 1: never."),
            .number(
                "stop_error", \.stopError, 0...2,
                "Stop once fresh losses are foreseen with this mean error; 0: never."),
            .count(
                "learns_from", \.learnsFrom, CampaignSettings.leastLearntFrom...2_500,
                "Conditions models learn from; of more, the last, the best, the most different."),
            .number(
                "log_offset", \.logOffset, 0.001...1_000,
                "Offset of the logarithm the spectral process sees variables through."),
            .flag(
                "widens_bounds", \.widensBounds,
                "Whether bounds widen, towards the limits, when proposals sit on them."),
            .quantity(
                "widening_share", .share, \.wideningShare, 0.01...1,
                "Share of a batch that must sit on a bound before it widens."),
            .quantity(
                "widening_step", .share, \.wideningStep, 0.01...1,
                "How far a bound moves towards its limit at once."),
        ]
    }
}

extension LossSettings {
    static var fields: [Field<LossSettings>] {
        [
            .quantity("from", .wavelength, \.from.nanometers, 100...5_000, "First grid point."),
            .quantity(
                "through", .wavelength, \.through.nanometers, 100...5_000, "Last grid point."),
            .quantity("step", .wavelength, \.step.nanometers, 0.01...100, "Grid distance."),
            .number(
                "amplitude_low", \.amplitudeLow, 0.001...10,
                "Below this maximum absorbance the amplitude factor falls linearly to 0."),
            .number(
                "amplitude_high", \.amplitudeHigh, 0.001...10,
                "Above this maximum absorbance the amplitude factor is 0."),
        ]
    }
}

extension RecipeSettings {
    static var fields: [Field<RecipeSettings>] {
        [
            .quantity(
                "maximum_reagent_share", .share, \.maximumReagentShare, 0.001...1,
                "Largest sum of the reagents' shares of the aqueous flow."),
            .text("solvent", \.solvent, "The pump that fills the aqueous flow up."),
            .text("oil", \.oil, "The pump that carries the oil."),
            .quantity(
                "oil_share", .share, \.oilShare, 0.01...0.99,
                "Share of the total flow that is oil."),
        ]
    }
}

extension VariableSettings {
    /// A variable of which nothing has been read yet.
    static var blank: VariableSettings {
        VariableSettings(
            name: "", kind: .reagentPercent(pump: ""), low: 0, high: 0, lowLimit: 0, highLimit: 0)
    }

    static let kinds = ["reagent", "total flow", "number"]

    /// Largest bound of a plain number, either sign.
    static let freeLimit = 1e15

    /// What bounds are written in; nil for plain numbers.
    private var dimension: (Dimension, ClosedRange<Double>)? {
        switch kind {
        case .reagentPercent: (.percent, 0...100)
        case .totalFlow: (.flow, 0.001...1e6)
        case .free: nil
        }
    }

    static var fields: [Field<VariableSettings>] {
        [
            Field.text("name", \.name, "Name as in published tables.").required,
            kindField.required, pumpField, unitField,
            pair(
                "bounds", "First bounds: % of the aqueous flow, a total flow, or plain numbers.",
                \.low,
                \.high
            )
            .required,
            pair(
                "limits", "The bounds may widen to these; left out: they stay.", \.lowLimit,
                \.highLimit),
        ]
    }

    private static var kindField: Field<VariableSettings> {
        let known = kinds.map(quoted).joined(separator: ", ")
        return Field(
            key: "kind",
            help: "A reagent's share, oil and aqueous flow together, or a plain number.",
            range: known,
            read: { value, name, variable, context in
                guard let text = context.text(value, name) else { return }
                switch text {
                case kinds[0]: variable.kind = .reagentPercent(pump: "")
                case kinds[1]: variable.kind = .totalFlow
                case kinds[2]: variable.kind = .free(unit: "")
                default:
                    let meant = Suggestion.nearest(to: text, among: kinds)
                    context.problems.error(
                        value.place, "\(name) = \"\(text)\" is unknown",
                        (meant.map { "did you mean \"\($0)\"? " } ?? "") + "known: \(known)")
                }
            },
            write: {
                switch $0.kind {
                case .reagentPercent: quoted(kinds[0])
                case .totalFlow: quoted(kinds[1])
                case .free: quoted(kinds[2])
                }
            })
    }

    private static var pumpField: Field<VariableSettings> {
        Field(
            key: "pump", help: "Name of the pump that carries the reagent.", range: "",
            read: { value, name, variable, context in
                guard let text = context.text(value, name) else { return }
                if variable.isReagent {
                    variable.kind = .reagentPercent(pump: text)
                } else {
                    let kind = variable.kind == .totalFlow ? kinds[1] : kinds[2]
                    context.problems.error(
                        value.place, "a variable of kind \"\(kind)\" has no pump",
                        "remove the key")
                }
            },
            write: {
                if case .reagentPercent(let pump) = $0.kind { return quoted(pump) }
                return nil
            })
    }

    private static var unitField: Field<VariableSettings> {
        Field(
            key: "unit", help: "Unit of a plain number, for people.", range: "",
            read: { value, name, variable, context in
                guard let text = context.text(value, name) else { return }
                if case .free = variable.kind {
                    variable.kind = .free(unit: text)
                } else {
                    context.problems.error(
                        value.place, "only a variable of kind \"number\" has a unit of its own",
                        "remove the key: the bounds carry their units")
                }
            },
            write: {
                if case .free(let unit) = $0.kind, !unit.isEmpty { return quoted(unit) }
                return nil
            })
    }

    private static func pair(
        _ key: String, _ help: String, _ low: WritableKeyPath<VariableSettings, Double>,
        _ high: WritableKeyPath<VariableSettings, Double>
    ) -> Field<VariableSettings> {
        Field(
            key: key, help: help, range: "",
            read: { value, name, variable, context in
                guard case .array(let items) = value.kind, items.count == 2 else {
                    let example = variable.dimension.map { quoted($0.0.example) } ?? "1.5"
                    context.problems.error(
                        value.place, "\(name) must be a low and a high value",
                        "write for instance [\(example), \(example)]")
                    return
                }
                func bound(_ item: TOMLValue) -> Double? {
                    guard let (dimension, bounds) = variable.dimension else {
                        return context.number(item, -freeLimit...freeLimit, name)
                    }
                    return context.quantity(item, dimension, bounds, name)
                }
                let first = bound(items[0])
                let second = bound(items[1])
                guard let first, let second else { return }
                variable[keyPath: low] = first
                variable[keyPath: high] = second
            },
            write: { variable in
                let items = [variable[keyPath: low], variable[keyPath: high]].map { value in
                    variable.dimension.map { quoted($0.0.format(value)) }
                        ?? DecimalText(value).shifted()
                }
                return "[" + items.joined(separator: ", ") + "]"
            })
    }
}
