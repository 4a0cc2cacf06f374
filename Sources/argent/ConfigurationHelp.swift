/// The texts of the verbs that change a running rig's configuration.
extension Help {
    static let diff = """
        argent diff [--config NEW] [--against CURRENT | --socket PATH] [--json]

        What a reload of NEW (and the drop-ins in argent.d beside it; default
        /etc/argent/argent.toml) would change on the rig. One line for each setting: where NEW
        says it, from what to what, and what it takes:

          at once          the next turn of the rig's loop goes by it
          needs a hold     the rig gets no order at the next boundary between two conditions
                           until everything is in force; nobody needs to hold it by hand
          refused mid-run  nothing of NEW is taken up; it takes a restart

        Without --against it asks the running agent what is in force, or takes the last good
        configuration where none runs.

        Exit codes: 0 nothing changes; 1 something does; 3 NEW or CURRENT cannot be used; 4 no
        agent answers and there is no last good configuration.
        """

    static let reload = """
        argent reload [--config FILE | --socket PATH]

        The running agent reads its configuration again, checks it whole, and takes up all of it
        or nothing; says what is in force now, what waits for the next boundary between
        conditions, or why nothing was changed. The log keeps every configuration with its hash.
        `systemctl reload argent` and SIGHUP do the same.

        Exit codes: 0 in force, or accepted for the next boundary; 1 refused, the settings are
        named; 3 the configuration is broken, the one before stays in force; 4 no agent answers.
        """
}
