// The job with Node's own fetch (undici): one loop per upload in flight; undici keeps the connections.
//
//   node node_fetch.mjs ENDPOINT LISTFILE CONCURRENCY
//
// HOIST_API_KEY as for every contender; Node wants the CA file in NODE_EXTRA_CA_CERTS, which the runner sets as well. A
// file is read whole: as a stream, fetch would have to send it chunked, which presigned URLs refuse.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

const [endpoint, listFile, concurrency] = process.argv.slice(2);
if (!concurrency) {
  console.error('usage: node_fetch.mjs ENDPOINT LISTFILE CONCURRENCY');
  process.exit(2);
}
const paths = readFileSync(listFile, 'utf8').split('\n').filter((line) => line !== '');
const presignRequest = {
  method: 'POST',
  headers: { 'X-API-Key': process.env.HOIST_API_KEY, 'Content-Type': 'application/json' },
  body: '{"content_type":"application/octet-stream","file_type":"other"}',
};

const account = { done: 0, failed: 0, bytes: 0 };
let next = 0;

async function upload(path) {
  const reply = await fetch(`${endpoint}/v1/upload/presign`, presignRequest);
  if (reply.status !== 200) throw new Error(`presign: ${reply.status}`);
  const ticket = await reply.json();
  const body = await readFile(path);
  const answer = await fetch(ticket.presigned_url, {
    method: 'PUT',
    headers: { ...ticket.required_headers, 'Content-Type': 'application/octet-stream' },
    body,
  });
  await answer.arrayBuffer(); // so that the connection is free again
  if (answer.status !== 200) throw new Error(`put: ${answer.status}`);
  return body.length;
}

async function work() {
  while (next < paths.length) {
    const path = paths[next++];
    try {
      const size = await upload(path); // on its own: a sum read before an await would be stale after it
      account.bytes += size;
      ++account.done;
    } catch (error) {
      console.error(`node_fetch: ${path}: ${error.cause ?? error}`);
      ++account.failed;
    }
  }
}

await Promise.all(Array.from({ length: Number(concurrency) }, work));
console.log(JSON.stringify(account));
process.exitCode = account.failed === 0 ? 0 : 1;
