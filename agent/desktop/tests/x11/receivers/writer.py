#!/usr/bin/python3
"""A document in LibreOffice Writer: writer.py PLUGIN FIFO, PLUGIN being how LibreOffice draws: gen, gtk3.

F9 writes what the document holds as a JSON line to FIFO and empties it. It is the key that updates fields, and
what it is bound to goes through this program; all other keys are LibreOffice's alone.
"""

import json
import os
import subprocess
import sys
import time

import uno
import unohelper
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException
from com.sun.star.frame import XDispatch, XDispatchProviderInterceptor

plugin, fifo = sys.argv[1:]
out = open(fifo, "w", encoding="ascii", buffering=1)
#: What Writer makes of a text while it is typed, by its path in the configuration.
CORRECTIONS = {
    "/org.openoffice.Office.Writer/AutoFunction/Completion": ["Enable"],
    "/org.openoffice.Office.Writer/AutoFunction/Format/ByInput": ["Enable"],
    "/org.openoffice.Office.Writer/AutoFunction/Format/ByInput/ApplyNumbering": ["Enable"],
    "/org.openoffice.Office.Writer/AutoFunction/Format/Option": [
        "UseReplacementTable", "TwoCapitalsAtStart", "CapitalAtStartSentence", "ChangeUnderlineWeight",
        "SetInetAttribute", "ChangeOrdinalNumber", "AddNonBreakingSpace", "ChangeDash", "DelSpacesAtStartEnd",
        "DelSpacesBetween", "TransliterateRTL", "ChangeAngleQuotes", "SetDOIAttribute"],
    "/org.openoffice.Office.Common/AutoCorrect": [
        "ChangeDash", "CapitalAtStartSentence", "TwoCapitalsAtStart", "ChangeOrdinalNumber", "UseReplacementTable",
        "SetInetAttribute", "ChangeUnderlineWeight", "AddNonBreakingSpace", "CorrectAccidentalCapsLock"],
}


class Teller(unohelper.Base, XDispatchProviderInterceptor, XDispatch):
    """Stands before the document for the one command."""

    def __init__(self, document):
        self.document = document

    def queryDispatch(self, url, target, flags):
        if url.Complete == ".uno:UpdateFields":
            return self
        return self.SlaveDispatchProvider.queryDispatch(url, target, flags)

    def queryDispatches(self, requests):
        return tuple(self.queryDispatch(r.FeatureURL, r.FrameName, r.SearchFlags) for r in requests)

    def dispatch(self, _url, _arguments):
        print(json.dumps(self.document.Text.String), file=out)
        self.document.Text.String = ""

    def addStatusListener(self, _listener, _url):
        pass

    def removeStatusListener(self, _listener, _url):
        pass

    def getSlaveDispatchProvider(self):
        return self.slave

    def setSlaveDispatchProvider(self, provider):
        self.slave = provider

    def getMasterDispatchProvider(self):
        return self.master

    def setMasterDispatchProvider(self, provider):
        self.master = provider

    SlaveDispatchProvider = property(getSlaveDispatchProvider, setSlaveDispatchProvider)
    MasterDispatchProvider = property(getMasterDispatchProvider, setMasterDispatchProvider)


def connected():
    """LibreOffice with a profile of its own: the process, its remote context."""
    process = subprocess.Popen(
        ["soffice", "--norestore", "--nologo", "--nodefault", "--nofirststartwizard",
         f"-env:UserInstallation=file://{os.environ['HOME']}/office", "--accept=pipe,name=writer;urp"],
        env={**os.environ, "SAL_USE_VCLPLUGIN": plugin},
    )
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstance("com.sun.star.bridge.UnoUrlResolver")
    while True:
        try:
            return process, resolver.resolve("uno:pipe,name=writer;urp;StarOffice.ComponentContext")
        except NoConnectException:
            if process.poll() is not None:
                raise
            time.sleep(0.1)


def type_as_it_is(services):
    provider = services.createInstance("com.sun.star.configuration.ConfigurationProvider")
    for path, names in CORRECTIONS.items():
        node = PropertyValue(Name="nodepath", Value=path)
        settings = provider.createInstanceWithArguments("com.sun.star.configuration.ConfigurationUpdateAccess", (node,))
        for name in filter(settings.hasByName, names):
            settings.setPropertyValue(name, False)
        settings.commitChanges()


def main():
    process, context = connected()
    services = context.ServiceManager
    type_as_it_is(services)
    desktop = services.createInstance("com.sun.star.frame.Desktop")
    hidden = PropertyValue(Name="Hidden", Value=True)
    document = desktop.loadComponentFromURL("private:factory/swriter", "_blank", 0, (hidden,))
    frame = document.CurrentController.Frame
    frame.registerDispatchProviderInterceptor(Teller(document))
    frame.ContainerWindow.setVisible(True)
    process.wait()


main()
