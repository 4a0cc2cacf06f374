enum RunCommand { static func run(_ w: [String]) throws(CommandFailure) {} }
enum CheckCommand { static func run(_ w: [String]) throws(CommandFailure) {} }
enum ControlCommand { static func run(_ v: String, _ w: [String]) throws(CommandFailure) {} }
enum SimulateCommand { static func run(_ w: [String]) throws(CommandFailure) {} }
enum LossCommand { static func run(_ w: [String]) throws(CommandFailure) {} }
