import Quantities

/// A syringe by its name.
struct Syringe {
    var name: String
    /// Inner diameter, mm.
    var diameter: Double
    /// Volume, mL.
    var milliliters: Double

    /// Inner diameters after the tables of the Harvard Pump 11 Elite manual, appendix A/B.
    static let known: [Syringe] = [
        Syringe(name: "BD 1 mL", diameter: 4.699, milliliters: 1),
        Syringe(name: "BD 3 mL", diameter: 8.585, milliliters: 3),
        Syringe(name: "BD 5 mL", diameter: 11.989, milliliters: 5),
        Syringe(name: "BD 10 mL", diameter: 14.427, milliliters: 10),
        Syringe(name: "BD 20 mL", diameter: 19.05, milliliters: 20),
        Syringe(name: "BD 30 mL", diameter: 21.59, milliliters: 30),
        Syringe(name: "BD 50 mL", diameter: 26.594, milliliters: 50),
        Syringe(name: "BD 60 mL", diameter: 26.594, milliliters: 60),
        Syringe(name: "Hamilton 1 mL", diameter: 4.608, milliliters: 1),
        Syringe(name: "Hamilton 2.5 mL", diameter: 7.285, milliliters: 2.5),
        Syringe(name: "Hamilton 5 mL", diameter: 10.3, milliliters: 5),
        Syringe(name: "Hamilton 10 mL", diameter: 14.567, milliliters: 10),
        Syringe(name: "SGE 1 mL", diameter: 4.606, milliliters: 1),
        Syringe(name: "SGE 2.5 mL", diameter: 7.285, milliliters: 2.5),
        Syringe(name: "SGE 5 mL", diameter: 10.3, milliliters: 5),
        Syringe(name: "SGE 10 mL", diameter: 14.567, milliliters: 10),
        Syringe(name: "Terumo 10 mL", diameter: 15.8, milliliters: 10),
    ]
}
