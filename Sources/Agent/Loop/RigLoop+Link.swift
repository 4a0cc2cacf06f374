import Quantities
import Rig
import World

/// The rig's end of the link to the steward.
extension RigLoop {
    /// Carries out what the steward asked for since the last time.
    func serve(_ link: RigLink) {
        while let request = link.requests.pop() {
            let now = world.now
            switch request {
            case .run(let order):
                if controller.wantsOrder {
                    controller.run(order, at: now)
                } else {
                    // Told again as soon as it is, whatever happens until the next hand-over.
                    wantedOrder = false
                    tell(.declined(condition: order.number), at: now)
                }
            case .operate(let commands, let ticket):
                var text = Words.text("")
                for command in commands {
                    let answer = controller.answer(command, at: now)
                    text = text.isEmpty ? answer : .text("\(text); \(answer)")
                }
                carryOut(at: now)
                tell(.answered(ticket: ticket, text: text), at: now)
            case .log(let failure):
                logFailure = failure
                if !isOverflowing { controller.log(failure: failure, at: now) }
            case .logBudget(let shortage): controller.logBudget(shortage: shortage, at: now)
            case .clockStepped(let step): controller.clockStepped(by: step, at: now)
            case .adopt(let change): tell(.adopted(adopt(change)), at: now)
            case .halt(let reason):
                controller.halt(reason: reason, at: now)
                if haltedAt == nil { haltedAt = now }
            }
            carryOut(at: now)
        }
    }

    /// Between two turns: all of `change`, or nothing.
    private func adopt(_ change: RigChange) -> Bool {
        guard haltedAt == nil, controller.adopt(change, at: world.now) else { return false }
        settings = controller.settings
        return true
    }

    /// Hands over what happened. What finds no room waits here: the rig does not stop for it.
    func handOver(to link: RigLink) {
        let now = world.now
        let wants = controller.wantsOrder
        if wants, !wantedOrder { tell(.wantsOrder, at: now) }
        wantedOrder = wants
        guard !news.isEmpty else { return }
        var taken = 0
        while taken < news.count, link.news.push(news[taken]) { taken += 1 }
        if taken == news.count {
            news.removeAll(keepingCapacity: true)
        } else {
            news.removeFirst(taken)
        }
        noteOverflow(at: now)
        link.wakeSteward()
    }

    /// A steward that does not take its news for minutes is as bad as a disk that takes nothing.
    private func noteOverflow(at now: Instant) {
        if news.count > Self.newsLimit, !isOverflowing {
            isOverflowing = true
            controller.log(failure: "\(news.count) reports wait for the steward thread", at: now)
        } else if news.isEmpty, isOverflowing {
            isOverflowing = false
            controller.log(failure: logFailure, at: now)
        } else {
            return
        }
        carryOut(at: now)
    }

    /// Notes `news` for the steward.
    func tell(_ item: RigNews, at now: Instant) {
        news.append(StampedNews(at: now, news: item))
    }

    /// Draws the picture of the moment, if there is something to draw it on.
    func draw(for link: RigLink) {
        guard let picture = link.pictures.takeBlank() else { return }
        picture.state = controller.state
        picture.holdWords = controller.holdWords
        picture.condition = controller.order?.number
        picture.droplets = controller.losses.count
        picture.flags = controller.flags.all
        for index in picture.pumps.indices {
            picture.pumps[index] = pumpState(index)
            picture.commanded[index] = controller.commanded[index]
            picture.remaining[index] = controller.ledger.remaining[index]
        }
        let now = world.now
        for index in picture.readings.indices {
            picture.readings[index] = controller.sensorValue(index, at: now)
        }
        picture.faults.removeAll(keepingCapacity: true)
        controller.interlocks.appendFaults(to: &picture.faults, limit: RigPicture.faultLimit)
        link.pictures.hand(picture)
    }
}
