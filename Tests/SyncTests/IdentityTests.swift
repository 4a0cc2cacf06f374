import Foundation
import Sync
import Testing
import World

@Suite struct IdentityTests {
}
