import Glibc
import RingTransport
import SimulatedXen
import SystemPackage
import Testing

/// The event loop on the real kernel.
struct EventLoopTests {
  @Test func aWaitEndsInTime() throws {
    try LoopFixture.run(around: { $0 }) { fixture in
      let clock = ContinuousClock()
      let elapsed = try clock.measure {
        try fixture.loop.wait(timeoutNanoseconds: 30_000_000)
      }
      #expect(elapsed >= .milliseconds(25) && elapsed < .seconds(5))
      let event = try fixture.loop.nextEvent()
      #expect(event == nil)
      let short = try clock.measure { try fixture.loop.wait(timeoutNanoseconds: 0) }
      #expect(short < .seconds(1))
    }
  }

  /// A pending port comes once, and the port is unmasked only when the owner says so.
  @Test func eventsComeOneByOne() throws {
    try LoopFixture.run(around: { $0 }) { fixture in
      for port in [UInt32(3), 9, 3, .max] {
        fixture.raise(port)
        guard case .eventChannel(let raised)? = try fixture.events(1).first else {
          Issue.record("no event")
          return
        }
        #expect(raised.rawValue == port)
        #expect(try fixture.staysQuiet())
        #expect(fixture.nextUnmasked() == nil)
        fixture.loop.armEventChannel(unmasking: raised)
        #expect(try fixture.staysQuiet())
        #expect(fixture.nextUnmasked() == port)
      }
    }
  }

  /// Events that pile up while the owner works come afterwards, one each time it asks.
  @Test func eventsWaitForTheirTurn() throws {
    try LoopFixture.run(around: { $0 }) { fixture in
      for port in UInt32(1)...5 { fixture.raise(port) }
      for port in UInt32(1)...5 {
        guard case .eventChannel(let raised)? = try fixture.events(1).first else {
          Issue.record("no event")
          return
        }
        #expect(raised.rawValue == port)
        #expect(try fixture.staysQuiet())
        fixture.loop.armEventChannel(unmasking: raised)
      }
    }
  }

  /// XenStore is listened to all the time: as long as it has something to say, it comes again.
  @Test func xenStoreComesUntilItIsRead() throws {
    try LoopFixture.run(around: { $0 }) { fixture in
      #expect(try fixture.staysQuiet())
      unsafe _ = Glibc.write(fixture.xenStore.rawValue, "x", 1)
      for _ in 0..<2 {
        guard case .xenStore? = try fixture.events(1).first else {
          Issue.record("no event")
          return
        }
      }
      fixture.readXenStore()
      // One that was under way may still come.
      _ = try fixture.staysQuiet()
      #expect(try fixture.staysQuiet())
      fixture.loop.armXenStoreWritable()
      guard case .xenStore? = try fixture.events(1).first else {
        Issue.record("no event for writing")
        return
      }
      #expect(try fixture.staysQuiet())
    }
  }

  /// What a spare process does before it knows its leaf.
  @Test func waitingForOneThing() throws {
    try LoopFixture.run(around: { $0 }) { fixture in
      let wakeUp = try WakeUp()
      wakeUp.signal()
      #expect(try fixture.loop.waitReadable(wakeUp.descriptor))
      wakeUp.clear()
      // Events of nobody's port do not end it; a signal does.
      fixture.raise(3)
      #expect(pthread_kill(pthread_self(), SIGTERM) == 0)
      #expect(try !fixture.loop.waitReadable(wakeUp.descriptor))
    }
  }

  @Test func waitingEndsWithXenStore() throws {
    try LoopFixture.run(around: { $0 }) { fixture in
      let wakeUp = try WakeUp()
      var byte: UInt8 = 0
      // SAFETY: one byte of ours.
      unsafe _ = Glibc.write(fixture.xenStore.rawValue, &byte, 1)
      do throws(Errno) {
        let isReadable = try fixture.loop.waitReadable(wakeUp.descriptor)
        Issue.record("\(isReadable)")
      } catch {
        #expect(error == .connectionReset)
      }
    }
  }

  @Test func stopSignals() throws {
    try LoopFixture.run(around: { $0 }) { fixture in
      // To this thread, which dies with the test.
      #expect(pthread_kill(pthread_self(), SIGTERM) == 0)
      guard case .stopSignal? = try fixture.events(1).first else {
        Issue.record("no event")
        return
      }
    }
  }

  /// A port that was closed meanwhile cannot be unmasked; the loop listens on.
  @Test func aPortThatIsGone() throws {
    try onOwnThread {
      var events: [Int32] = [-1, -1]
      var store: [Int32] = [-1, -1]
      // The reading end of a pipe refuses every write, as the device refuses a closed port.
      #expect(unsafe pipe(&events) == 0 && pipe(&store) == 0)
      guard
        var loop = try? EventLoop(eventDescriptor: events[0], xenStoreDescriptor: store[0])
      else {
        print("skipped: no io_uring here")
        return
      }
      for port in [UInt32(4), 5] {
        var number = port
        unsafe _ = Glibc.write(events[1], &number, 4)
        var raised: LoopEvent?
        for _ in 0..<50 where raised == nil {
          try loop.wait(timeoutNanoseconds: 100_000_000)
          raised = try loop.nextEvent()
        }
        guard case .eventChannel(let found)? = raised else {
          Issue.record("no event")
          return
        }
        #expect(found.rawValue == port)
        loop.armEventChannel(unmasking: found)
      }
    }
  }
}
