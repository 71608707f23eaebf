"""Two Syncthing instances on loopback, without discovery or relays, that share one
folder.
"""

import json
import os
import subprocess
import time
import urllib.request
import xml.etree.ElementTree as ET

KEY = "a-key-for-the-test"
PORTS = {"a": (22871, 8871), "b": (22872, 8872)}  # of the protocol, of the GUI
OPTIONS = {
    "globalAnnounceEnabled": "false", "localAnnounceEnabled": "false",
    "relaysEnabled": "false", "natEnabled": "false", "startBrowser": "false",
    "crashReportingEnabled": "false", "autoUpgradeIntervalH": "0", "urAccepted": "-1",
    "reconnectionIntervalS": "2", "stunKeepaliveStartS": "0"}


class Pair:
    def __init__(self, root, a, b, ignored):
        self.homes = {name: os.path.join(root, "home-" + name) for name in PORTS}
        self.ids, self.programs = {}, []
        for name, folder in (("a", a), ("b", b)):
            home = self.homes[name]
            subprocess.run(["syncthing", "generate", "--home", home, "--no-default-folder"],
                           check=True, stdout=subprocess.DEVNULL)
            device = ET.parse(os.path.join(home, "config.xml")).getroot().find("device")
            self.ids[name] = device.get("id")
            os.mkdir(os.path.join(folder, ".stfolder"))
            with open(os.path.join(folder, ".stignore"), "w") as f:
                f.write(ignored + "\n")
        for name, folder in (("a", a), ("b", b)):
            self.configure(name, folder)
            self.programs.append(subprocess.Popen(
                ["syncthing", "serve", "--home", self.homes[name], "--no-browser",
                 "--no-restart", "--no-upgrade"], stdout=subprocess.DEVNULL))
        self.wait_for(lambda: any(c["connected"] for c in self.rest(
            "a", "system/connections")["connections"].values()))

    def configure(self, name, folder):
        path = os.path.join(self.homes[name], "config.xml")
        tree = ET.parse(path)
        root = tree.getroot()
        options = root.find("options")
        for key, value in dict(OPTIONS, listenAddress="tcp://127.0.0.1:%d"
                               % PORTS[name][0]).items():
            for old in options.findall(key):
                options.remove(old)
            ET.SubElement(options, key).text = value
        for old in root.findall("device") + root.findall("folder"):
            root.remove(old)
        for other in PORTS:
            device = ET.SubElement(root, "device", id=self.ids[other], name=other)
            ET.SubElement(device, "address").text = "tcp://127.0.0.1:%d" % PORTS[other][0]
        shared = ET.SubElement(root, "folder", id="notes", path=folder, type="sendreceive",
                               rescanIntervalS="3600", fsWatcherEnabled="true",
                               fsWatcherDelayS="10")
        for other in PORTS:
            ET.SubElement(shared, "device", id=self.ids[other])
        gui = root.find("gui")
        gui.find("address").text = "127.0.0.1:%d" % PORTS[name][1]
        gui.find("apikey").text = KEY
        tree.write(path)

    def rest(self, name, path, method="GET"):
        request = urllib.request.Request(
            "http://127.0.0.1:%d/rest/%s" % (PORTS[name][1], path), method=method,
            headers={"X-API-Key": KEY})
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text.strip() else None

    def wait_for(self, condition):
        for _ in range(200):
            try:
                if condition():
                    return
            except OSError:
                pass
            time.sleep(0.3)
        self.close()
        raise AssertionError("Syncthing does not connect")

    def pause(self):
        self.rest("a", "system/pause?device=" + self.ids["b"], "POST")

    def resume(self):
        self.rest("a", "system/resume?device=" + self.ids["b"], "POST")

    def traffic(self):
        """Bytes that a has sent and received so far."""
        total = self.rest("a", "system/connections")["total"]
        return total["inBytesTotal"] + total["outBytesTotal"]

    def close(self):
        for program in self.programs:
            program.terminate()
        for program in self.programs:
            program.wait(30)
