import Testing

@testable import Configuration

@Suite struct RecipePurposeTests {
    static let text = """
        [[variable]]
        name = "temperature"
        kind = "number"
        unit = "K"
        bounds = [290, 3.5e2]
        limits = [-1, 1000]

        [[variable]]
        name = "Q"
        kind = "reagent"
        bounds = ["4 %", "20 %"]

        """

    @Test func variablesAloneAreEnoughForRecipes() throws {
        let reading = SettingsReader.read(text: Self.text, file: "c.toml", for: .recipes)
        #expect(reading.problems.isEmpty, "\(reading.problems)")
        let settings = try reading.result.get()
        #expect(
            settings.variables == [
                VariableSettings(
                    name: "temperature", kind: .free(unit: "K"), low: 290, high: 350, lowLimit: -1,
                    highLimit: 1_000),
                VariableSettings(
                    name: "Q", kind: .reagentPercent(pump: ""), low: 4, high: 20, lowLimit: 4,
                    highLimit: 20),
            ])
        #expect(settings.variables.map(\.unit) == ["K", "%"])
    }

    @Test func aRigStillNeedsAllOfIt() {
        let told = SettingsReader.read(text: Self.text, file: "c.toml").problems.map(\.description)
        #expect(
            told.contains { $0.contains("c.toml:8:1: error: variable[1] lacks pump") }, "\(told)")
        let whole = Self.text + "pump = \"a\"\n"
        let problems = SettingsReader.read(text: whole, file: "c.toml").problems
            .map(\.description)
        for part in [
            "c.toml:3:8: error: no pump can set the number \"temperature\"",
            "no variable is the total flow", "no pump called \"a\"", "no pump called \"solvent\"",
        ] { #expect(problems.contains { $0.contains(part) }, "\(part): \(problems)") }
    }

    @Test func plainNumbersAreWrittenAsTheyAreRead() throws {
        var settings = Settings()
        settings.variables = [
            VariableSettings(
                name: "a", kind: .free(unit: "1/min \"x\""), low: -1e-12, high: 3, lowLimit: -7.25,
                highLimit: 1e15),
            VariableSettings(
                name: "b", kind: .free(unit: ""), low: 0, high: 0, lowLimit: 0, highLimit: 0),
        ]
        for comments in [true, false] {
            let text = SettingsWriter.text(settings, comments: comments)
            let read = try SettingsReader.read(text: text, file: "w", for: .recipes).result.get()
            #expect(read.variables == settings.variables)
        }
    }

    @Test(arguments: [
        ("name = \"a\"\nkind = \"number\"\nbounds = [2, 1]\n", "the low bound"),
        ("name = \"a\"\nkind = \"number\"\nbounds = [1, inf]\n", "out of range"),
        ("name = \"a\"\nkind = \"number\"\nbounds = [1, 2e15]\n", "out of range"),
        ("name = \"a\"\nkind = \"number\"\nbounds = 3\n", "write for instance [1.5, 1.5]"),
        ("name = \" \"\nkind = \"number\"\nbounds = [1, 2]\n", "the name is empty"),
        ("name = \"a\"\nkind = \"number\"\npump = \"p\"\nbounds = [1, 2]\n", "has no pump"),
        ("name = \"a\"\nkind = \"reagent\"\nunit = \"%\"\nbounds = [\"1 %\", \"2 %\"]\n", "a unit"),
        ("name = \"a\"\nkind = \"reagent\"\nbounds = [\"91 %\", \"95 %\"]\n", "no recipe"),
    ])
    func slipsAreNamed(text: String, says: String) {
        let told = SettingsReader.read(text: "[[variable]]\n" + text, file: "c", for: .recipes)
        #expect(told.settings == nil)
        #expect(told.problems.contains { $0.description.contains(says) }, "\(told.problems)")
    }
}
