"""What follows from a fault that does not simply pass: a new ticket, a failure with its reason, or the end of the run.

The gate of each case is `check_account`: every file done or failed with a reason, what is done is stored with its bytes
under the id of its row, and the exit code tells which.
"""

import collections
import pathlib
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from faults import FaultTestCase, faulty  # noqa: E402
from hoist_test import *  # noqa: E402,F403
from independent_server import Independent  # noqa: E402


class Lost(FaultTestCase):
    # Stored, but the answer is lost: the file is sent again to the same ticket and is done once, in one row.
    def test_answer(self):
        folder = self.make_files(20)
        with faulty("put:lose-answer=first-6") as server:
            run = self.upload(server, folder)
            self.assertEqual(len(self.check_account(server, folder, run)["done"]), 20)
            puts = collections.Counter(row["puts"] for row in server.account().values())
            self.assertEqual((sum(puts.values()), puts[1]), (20, 20 - sum(n for k, n in puts.items() if k > 1)))
            self.assertEqual(sum(k * n for k, n in puts.items()), 26)
            self.assertEqual(run.rows[-1]["presigns"], 20)

    # A presign whose answer is lost leaves an unused id behind, and nothing else.
    def test_ticket(self):
        folder = self.make_files(20)
        with faulty("presign:lose-answer=first-6") as server:
            run = self.upload(server, folder)
            self.assertEqual(len(self.check_account(server, folder, run)["done"]), 20)
            self.assertEqual((server.metric("presigns_total"), len(server.account())), (26, 20))

    # A PUT that is guarded against overwriting was stored, its answer lost, and the next one is told that the object
    # exists: the file is not a failure while its object is right.
    def test_answer_of_a_guarded_put(self):
        def stores_then_resets(server, handler, id):
            body = handler.body()
            with server.lock:
                known = id in server.objects
                server.objects.setdefault(id, body)
            handler.close_connection = True
            if known:
                handler.answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            return "answered"

        def guarded(server, handler, reply):
            return {**reply, "required_headers": {**reply["required_headers"], "If-None-Match": "*"}}

        folder = self.make_files(1)
        with Independent(presign=guarded, put=stores_then_resets) as server:
            run = hoist("upload", "--endpoint", server.endpoint, str(folder), env=clean_environment(HOIST_API_KEY=server.key))
            self.assertEqual(len(server.objects), 1)
            self.assertEqual([row["status"] for row in results(run.rows)], ["done"], run.err)


class Expiry(FaultTestCase):
    # A ticket that the storage holds for expired, in each way to say so, is replaced: the row has the id and the URL that
    # were stored, not the first ones.
    def test_refused_as_expired(self):
        folder = self.make_files(12)
        for fault in ("expired", "expired-request", "expired-token"):
            with self.subTest(fault), faulty(f"put:{fault}=first-2", options=["--put-delay", "20ms"]) as server:
                run = self.upload(server, folder)
                rows = self.check_account(server, folder, run)["done"]
                self.assertEqual((len(rows), run.rows[-1]["presigns"], len(server.account())), (12, 14, 12))
                self.assertEqual(sum(row["presigns"] for row in rows), 14)

    # The API's clock an hour off ours, either way, and URLs that live a few seconds: its Date is what counts.
    def test_other_clocks(self):
        folder = self.make_files(100)
        for fault in ("clock:ahead=1h", "clock:behind=1h"):
            for reading in ("url", "retention"):
                with self.subTest(fault, reading=reading):
                    with faulty(fault, options=["--url-lifetime", "3s", "--put-delay", "20ms", "--expires-at", reading]) as server:
                        run = self.upload(server, folder, "-j", "8")
                        self.assertEqual(len(self.check_account(server, folder, run)["done"]), 100)
                        self.assertLessEqual(server.metric("presigns_total"), 120)
                        self.assertEqual(server.metrics().get('put_refused_total{code="AccessDenied"}', 0), 0)

    # Tickets that are dead on arrival end as that, after a bounded number of them, and nothing is sent.
    def test_dead_on_arrival(self):
        folder = self.make_files(10)
        with faulty("presign:expires-past") as server:
            run = self.upload(server, folder)
            rows = self.check_account(server, folder, run)["failed"]
            self.assertEqual({row["error"]["code"] for row in rows}, {"ticket_lapsed"})
            self.assertLessEqual(server.metric("presigns_total"), 10 * 11)
            self.assertEqual(server.metric('requests_total{endpoint="bucket"}'), 0)

    # What is no time at all is warned of once, not once per file.
    def test_garbage_is_warned_of_once(self):
        folder = self.make_files(30)
        with faulty("presign:expires-garbage") as server:
            run = self.upload(server, folder, "--threads", "1")
            self.assertEqual(len(self.check_account(server, folder, run)["done"]), 30)
            self.assertEqual(run.err.count("expires_at"), 1, run.err)


class Verified(FaultTestCase):
    def verified(self, fault):
        folder = self.make_files(12, size=70_000)
        with faulty(*[f for f in [fault] if f]) as server:
            run = self.upload(server, folder, "--verify", "md5")
            return self.check_account(server, folder, run), run

    # With --verify md5 a body that was damaged on its way, or an ETag that is another's, is sent again and in the end done
    # with its digest compared.
    def test_damaged_once(self):
        for fault in ("put:corrupt-body=first-3", "put:corrupt-etag=first-3"):
            with self.subTest(fault):
                rows, run = self.verified(fault)
                self.assertEqual(([row["verified"] for row in rows["done"]], run.rows[-1]["puts"]), (["md5"] * 12, 15))

    # Damaged each time, it fails with that word, after a few tries.
    def test_damaged_always(self):
        for fault in ("put:corrupt-body", "put:corrupt-etag"):
            with self.subTest(fault):
                rows, run = self.verified(fault)
                self.assertEqual({row["error"]["code"] for row in rows["failed"]}, {"digest_mismatch"})
                self.assertEqual((len(rows["failed"]), run.rows[-1]["puts"]), (12, 36))

    # An ETag that is no MD5, or none at all, cannot be compared: done, and not called verified by it.
    def test_nothing_to_compare(self):
        for fault in ("put:opaque-etag", "put:no-etag"):
            with self.subTest(fault):
                rows, _ = self.verified(fault)
                self.assertEqual([row["verified"] for row in rows["done"]], ["size"] * 12)


class Early(FaultTestCase):
    # An answer that comes before the body was read is reported as itself, for every file: never as a broken connection.
    def test_status_is_reported(self):
        folder = self.make_files(24, size=3_000_000)
        for fault, status, storage_code in (("early-403", 403, "AccessDenied"), ("early-413", 413, "EntityTooLarge"),
                                            ("early-404", 404, "NoSuchBucket"), ("return-413-after-64KiB", 413, "EntityTooLarge"),
                                            ("return-403-after-1MB", 403, "AccessDenied")):
            # Fewer than the breaker needs, so that every file gets its own answer.
            with self.subTest(fault), faulty(f"put:{fault}") as server:
                some = sorted(folder.iterdir())[: 6 if status == 403 else 24]
                run = hoist("upload", *server.access(), *map(str, some))
                errors = collections.Counter((row["error"]["http_status"], row["error"]["storage_code"])
                                             for row in results(run.rows) if row["status"] == "failed")
                self.assertEqual(errors, {(status, storage_code): len(some)}, run.err)
                self.assertEqual((run.code, len(server.account())), (1, 0))

    # The storage is full of early 503s for a while: classed as a throttle, and all files are done.
    def test_early_503(self):
        folder = self.make_files(12, size=1_000_000)
        with faulty("put:early-503=first-8") as server:
            self.assertEqual(len(self.check_account(server, folder, self.upload(server, folder))["done"]), 12)

    # A client that is refused early stops sending: it is done with the file although nobody reads on, and most of a large
    # body was never sent.
    def test_stops_sending(self):
        (self.folder / "large").mkdir()
        (self.folder / "large/one.bin").write_bytes(bytes(60_000_000))
        over, taken = threading.Event(), []

        def early(server, handler, id):
            handler.close_connection = True
            handler.answer(413, b"<Error><Code>EntityTooLarge</Code></Error>", {"Connection": "close"})
            over.wait(30)
            count = 0
            try:
                while data := handler.connection.recv(1 << 20):
                    count += len(data)
            except ConnectionResetError:
                pass
            taken.append(count)
            return "answered"

        with Independent(put=early) as server:
            run = hoist("upload", "--endpoint", server.endpoint, str(self.folder / "large"),
                        env=clean_environment(HOIST_API_KEY=server.key))
            over.set()
            self.assertEqual([row["error"]["http_status"] for row in results(run.rows)], [413], run.err)
            wait_for(lambda: taken, "the end of the connection")
        self.assertLess(run.seconds, 20 * PATIENCE)
        self.assertLess(taken[0], 30_000_000)


class Permanent(FaultTestCase):
    # What will not pass fails each file by itself, typed, at once and without another try.
    def test_rejected(self):
        folder = self.make_files(10)
        for fault, code, status, storage_code in (
                ("put:return-404", "storage_rejected", 404, "NoSuchBucket"),
                ("put:return-405", "storage_rejected", 405, "MethodNotAllowed"),
                ("put:return-412", "storage_rejected", 412, "PreconditionFailed"),
                ("put:return-413", "storage_rejected", 413, "EntityTooLarge"),
                ("put:return-411", "storage_rejected", 411, "MissingContentLength"),
                ("put:return-501", "storage_rejected", 501, "NotImplemented"),
                ("presign:return-400", "presign_rejected", 400, None),
                ("presign:return-404", "presign_rejected", 404, None),
                ("presign:return-422", "presign_rejected", 422, None),
                ("presign:return-403", "presign_rejected", 403, None)):
            with self.subTest(fault), faulty(fault) as server:
                run = self.upload(server, folder)
                errors = [row["error"] for row in self.check_account(server, folder, run)["failed"]]
                self.assertEqual({(e["code"], e["http_status"], e["storage_code"]) for e in errors}, {(code, status, storage_code)})
                self.assertEqual(sum(self.injected(server).values()), 10)

    # A refusal of every fresh ticket ends the run: exit 4, soon, after a bounded number of presigns.
    def test_refused_for_good(self):
        folder = self.make_files(300)
        for fault in ("return-403", "early-403", "expired", "expired-token", "return-301", "return-307"):
            with self.subTest(fault), faulty(f"put:{fault}") as server:
                run = self.upload(server, folder)
                self.assertEqual((run.code, run.rows[-1]["error"]["code"]), (4, "storage_refused"), run.err)
                self.assertFalse(run.rows[-1]["complete"])
                self.assertLess(run.seconds, 30)
                self.assertLess(server.metric("presigns_total"), 300)
                self.assertEqual(server.account(), {})

    # Twenty files are enough for that, however many threads share them.
    def test_twenty_refused_files_end_the_run(self):
        folder = self.make_files(30)
        with faulty("put:return-403") as server:
            run = self.upload(server, folder, "--threads", "2")
            self.assertEqual(run.code, 4, run.err)

    # One file refused for good fails after two more tickets; its neighbours do not notice.
    def test_one_refused_file(self):
        folder = self.make_files(30)
        refused = []

        def one(server, handler, id):
            with server.lock:
                victim = server.tickets[id][0] == "application/pdf"
                refused.extend([id] if victim else [])
            if victim:
                handler.body()
                handler.answer(403, b"<Error><Code>AccessDenied</Code></Error>")
                return "answered"

        (folder / "victim.pdf").write_bytes(b"x")
        with Independent(put=one) as server:
            run = hoist("upload", "--endpoint", server.endpoint, str(folder), env=clean_environment(HOIST_API_KEY=server.key))
            failed = [row for row in results(run.rows) if row["status"] == "failed"]
            self.assertEqual([row["error"]["code"] for row in failed], ["storage_refused"], run.err)
            self.assertEqual((len(refused), len(set(refused)), run.rows[-1]["done"]), (3, 3, 30))

    # A key that is refused in mid-run ends it within a second; what was done stays done.
    def test_key_revoked_in_mid_run(self):
        folder = self.make_files(400)
        revoked_at = []

        def revoked(server, handler, reply):
            if len(server.presign_requests) <= 50:
                return reply
            revoked_at.append(time.monotonic())
            handler.answer(401, b"{}")

        with Independent(presign=revoked) as server:
            run = hoist("upload", "--endpoint", server.endpoint, str(folder), env=clean_environment(HOIST_API_KEY=server.key))
            # Half a second more than the promise, since the process ends and is waited for as well.
            self.assertLess(time.monotonic() - revoked_at[0], 1.5 * PATIENCE)
            self.assertEqual((run.code, run.rows[-1]["error"]["code"]), (4, "key_refused"), run.err)
            done = [row for row in results(run.rows) if row["status"] == "done"]
            self.assertTrue(all(sha256(server.objects[row["id"]]) == sha256(pathlib.Path(row["path"]).read_bytes()) for row in done))
            self.assertLess(len(server.presign_requests), 150)

    # The same id for several files would be one object for all of them: at most one of them may be done.
    def test_duplicate_ids(self):
        folder = self.make_files(10)
        with faulty("presign:duplicate-id") as server:
            self.check_account(server, folder, self.upload(server, folder))


if __name__ == "__main__":
    main()
