/// Help of the verbs that look at an agent and at a board.
extension Help {
    static let watch = """
        argent watch [--config FILE | --socket PATH] [--every SECONDS] [--lines]

        A running agent on a live screen, over SSH too: state, faults and what to do about them,
        pumps, the last droplet's spectrum, loss by run, lateness, disk, sync. `q` quits. When
        the agent is restarted, it goes on by itself and says so.

          --every SECONDS  how often it asks (default 1; 10 for lines)
          --lines          a line whenever something changed, as where there is no terminal or
                           TERM is dumb

        Needs 80 × 24 characters to show everything. Draws with ASCII where the locale is not
        UTF-8. Nothing but a terminal killed by force is left otherwise than it was.
        """

    static let support = """
        argent support [--output FILE] [--config FILE] [--socket PATH] [--events N]

        Writes a bundle (tar.zst) for whoever helps: the configuration without secrets, the last
        N events of the log (default 1000), the status and the histograms of the running agent,
        versions, kernel and board, devices, the unit's state. Keys, accepted peers, spectra
        and recipes of the log are not in it. It works with a dead agent and a wrong
        configuration too: what cannot be had is named in the bundle.

          --output FILE  where to (default argent-support-TIME.tar.zst, here)

        Look into it before you send it: `tar -tf FILE` (tar finds zstd by itself).
        """

    static let probe = """
        argent probe [--bus N[,N…]] [--write FILE] [--root DIR]

        What this board has: its model, GPIO chips by label with the names of their lines, I2C
        buses, serial lines with the names that stay when cables are moved, watchdogs, limits of
        real time. Opens no serial line: that would toggle its DTR, which resets some devices.

          --bus N       also asks each known sensor address of I2C bus N for one byte. A read
                        may disturb a chip that counts reads, and a bus that another program
                        uses: so only buses that are named are touched, and never while an
                        agent runs
          --write FILE  a configuration to start from; `argent check FILE` names what is missing
          --root DIR    looks at the tree of another board below DIR (/proc, /sys, /dev), as far
                        as files tell
        """
}
