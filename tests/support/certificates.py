"""Certificates for peers that tests play, good and bad, made by the openssl command: an authority and its leaves."""

import datetime
import pathlib
import ssl
import subprocess
import tempfile

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)


def lifetime(days):
    """Options of `openssl x509`: it begins now; with negative days it ended so many days ago."""
    if days >= 0:
        return ["-days", days]
    said = subprocess.run(["openssl", "x509", "-help"], capture_output=True, text=True, timeout=60)
    if "-not_before" not in said.stdout + said.stderr:
        return ["-days", days]  # before 3.4 it may end before it begins
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    begin = end - datetime.timedelta(days=1)
    return ["-not_before", f"{begin:%Y%m%d%H%M%SZ}", "-not_after", f"{end:%Y%m%d%H%M%SZ}"]


class Authority:
    def __init__(self, folder):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=folder))
        self.key, self.certificate = self.folder / "ca.key", self.folder / "ca.pem"
        openssl("req", "-x509", *CURVE, "-keyout", self.key, "-out", self.certificate, "-subj", "/CN=test authority",
                "-days", 2, "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def leaf(self, names="IP:127.0.0.1", days=2, signed=True):
        """An ssl.SSLContext for a server with such a certificate; negative days: it has expired."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        key, request, certificate, extensions = (folder / n for n in ("key", "csr", "pem", "ext"))
        extensions.write_text(f"subjectAltName={names}\nbasicConstraints=critical,CA:false\nkeyUsage=digitalSignature\n"
                              "extendedKeyUsage=serverAuth\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
        openssl("req", "-new", *CURVE, "-keyout", key, "-out", request, "-subj", "/CN=test leaf")
        signer = ["-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial"] if signed else ["-signkey", key]
        openssl("x509", "-req", "-in", request, *signer, *lifetime(days), "-extfile", extensions, "-out", certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context

    def old_protocol(self):
        """TLS 1.1 at most. None when the openssl of this machine cannot speak it any more."""
        context = self.leaf()
        try:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        except (ssl.SSLError, ValueError):
            return None
        return context
