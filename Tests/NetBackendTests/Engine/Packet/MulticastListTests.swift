import SimulatedXen
import Testing

@testable import NetBackend

struct MulticastListTests {
  /// Against a set, with the same bound.
  @Test(arguments: testSeeds(count: 30))
  func againstASet(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var list = MulticastList()
    var model: Set<EthernetAddress> = []
    for _ in 0..<2000 {
      let number = 0x0100_5e00_0000 + UInt64.random(in: 0..<90, using: &generator)
      let address = EthernetAddress(truncating: number)
      if generator.chance(percent: 70) {
        let fits = model.contains(address) || model.count < NetLimits.multicastAddressCount
        #expect(list.add(address) == fits, "seed \(seed)")
        if fits { model.insert(address) }
      } else {
        list.remove(address)
        model.remove(address)
      }
      #expect(list.count == model.count, "seed \(seed)")
      #expect(list.admits(address) == model.contains(address), "seed \(seed)")
      #expect(Set((0..<list.count).map { list[$0] }) == model, "seed \(seed)")
    }
    list.removeAll()
    #expect(list.count == 0)
  }

  @Test func whatAlwaysPasses() throws {
    let list = MulticastList()
    #expect(list.admits(.broadcast))
    #expect(list.admits(try #require(EthernetAddress("00:16:3e:00:00:01"))))
    #expect(!list.admits(try #require(EthernetAddress("01:00:5e:00:00:01"))))
    #expect(!list.admits(try #require(EthernetAddress("33:33:00:00:00:01"))))
  }

  @Test func boundIsThatOfTheList() {
    var list = MulticastList()
    for number in 0..<UInt64(NetLimits.multicastAddressCount) {
      #expect(list.add(EthernetAddress(truncating: 0x0100_5e00_0000 + number)) == true)
    }
    #expect(list.add(EthernetAddress(truncating: 0x0100_5eff_ffff)) == false)
    #expect(list.add(EthernetAddress(truncating: 0x0100_5e00_0000)) == true, "it is there already")
  }
}
