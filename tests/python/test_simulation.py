"""The simulation's schedules, KV_SCHEDULES of them from seed 0 on."""

import os
import unittest

import simulation

SCHEDULES = int(os.environ.get("KV_SCHEDULES", 1500))


class Simulation(unittest.TestCase):
    def test_all_devices_become_equal_and_lose_nothing(self):
        failures = simulation.run_all(0, SCHEDULES)
        self.assertEqual(len(failures), 0, "\n".join(failures[:3]))


if __name__ == "__main__":
    unittest.main()
