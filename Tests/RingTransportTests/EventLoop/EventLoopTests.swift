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

  /// A kernel that takes no commands to the devices of Xen says so: a read is done without its
  /// copies, a write not begun, and an event for the guest is sent in another way.
  @Test func aKernelWithoutCommands() throws {
    try LoopFixture.run(around: { $0 }) { fixture in
      var file: [Int32] = [-1, -1]
      // SAFETY: two numbers of ours, which the call fills in.
      #expect(unsafe pipe(&file) == 0)
      var memory = try PrivateMemory(byteCount: xenPageByteCount)
      var bytes = memory.mutableBytes(0..<1)
      bytes.store(UInt8(7), at: 0)
      let copies = GrantCopyTable(capacity: 2)
      let copiedBefore = fixture.loop.copiesGrants
      #expect(copiedBefore)
      fixture.loop.write(
        to: file[1], at: 0, byteCount: 1, from: memory, at: 0, copying: copies, 0..<2, token: 4)
      let refusal = -Int(EOPNOTSUPP)
      guard case .copy(4, refusal)? = try fixture.events(1).first else {
        Issue.record("no refusal")
        return
      }
      let copiesAfter = fixture.loop.copiesGrants
      #expect(!copiesAfter)
      var waiting: Int32 = 0
      // SAFETY: the call fills in a number of ours.
      #expect(unsafe ioctl(file[0], UInt(FIONREAD), &waiting) == 0 && waiting == 0)
      // A read that was under way.
      fixture.loop.write(to: file[1], at: 0, byteCount: 1, from: memory, at: 0, token: 5)
      guard case .operation(5, 1)? = try fixture.events(1).first else {
        Issue.record("no write")
        return
      }
      fixture.loop.read(
        from: file[0], at: 0, byteCount: 1, into: memory, at: 9, copying: copies, 0..<1,
        token: 6)
      guard case .copy(6, refusal)? = try fixture.events(1).first else {
        Issue.record("no refusal after the read")
        return
      }
      let byte = memory.bytes.load(UInt8.self, at: 9)
      #expect(byte == 7)
      fixture.loop.notify(EventChannelPort(rawValue: 3))
      #expect(try fixture.staysQuiet())
      for descriptor in file { close(descriptor) }
    }
  }

  /// What does not read all that it was asked for copies nothing, and is itself what is told.
  @Test func aShortReadCopiesNothing() throws {
    try LoopFixture.run(around: { $0 }) { fixture in
      var file: [Int32] = [-1, -1]
      // SAFETY: two numbers of ours, which the call fills in.
      #expect(unsafe pipe(&file) == 0)
      let memory = try PrivateMemory(byteCount: xenPageByteCount)
      let copies = GrantCopyTable(capacity: 1)
      // SAFETY: one byte of a constant.
      unsafe _ = Glibc.write(file[1], "x", 1)
      fixture.loop.read(
        from: file[0], at: 0, byteCount: 8, into: memory, at: 0, copying: copies, 0..<1,
        token: 6)
      guard case .operation(6, 1)? = try fixture.events(1).first else {
        Issue.record("no short read")
        return
      }
      #expect(try fixture.staysQuiet())
      for descriptor in file { close(descriptor) }
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
