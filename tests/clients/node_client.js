// A client for test_node.py: `node node_client.js SCENARIO URL AUTHORITY [ARGUMENT]`
// prints what it saw as JSON. A scenario is an async function of a `connect`
// that opens a session and of the argument.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const http2 = require('node:http2');
const https = require('node:https');
const { Readable } = require('node:stream');
const { setTimeout: sleep } = require('node:timers/promises');

const [, , name, url, authority, argument] = process.argv;
const CANCEL = http2.constants.NGHTTP2_CANCEL;

const sha256 = (data) => crypto.createHash('sha256').update(data).digest('hex');

function connect(options) {
  const session = http2.connect(url, { ca: fs.readFileSync(authority), ...options });
  session.on('error', (error) => fail(`session: ${error.message}`));
  session.ended = new Promise((resolve) => session.on('close', resolve));
  return session;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

// One request to its end. The result's `code` is that of RST_STREAM, or 0.
function exchange(session, path, { method = 'GET', headers = {}, body, trailers, wait } = {}) {
  const stream = session.request({ ':method': method, ':path': path, ...headers },
    { endStream: body === undefined && !trailers, waitForTrailers: Boolean(trailers) });
  const seen = { status: null, interim: [], fields: null, trailers: null, body: null, code: null };
  const parts = [];
  stream.on('headers', (fields) => seen.interim.push({ ...fields }));
  stream.on('response', (fields) => { seen.status = fields[':status']; seen.fields = { ...fields }; });
  stream.on('trailers', (fields) => { seen.trailers = { ...fields }; });
  stream.on('data', (part) => parts.push(part));
  stream.on('error', () => {});
  if (trailers) stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  if (body instanceof Readable) body.pipe(stream);
  else if (body !== undefined) stream.end(body);
  else if (trailers) stream.end();
  if (wait) wait(stream);
  return new Promise((resolve) => stream.on('close', () => {
    seen.body = Buffer.concat(parts);
    seen.code = stream.rstCode;
    resolve(seen);
  }));
}

// What Python is to see of an exchange.
// Waits until the server has read what was sent before, of a session that has just been made.
async function readByServer(session) {
  await new Promise((resolve) => session.on('remoteSettings', resolve));
  await new Promise((resolve, reject) => session.ping((error) => (error ? reject(error) : resolve())));
}

const shown = (seen) => ({ ...seen, body: seen.body.toString('latin1') });

const scenarios = {
  async get() {
    const session = connect();
    const seen = await exchange(session, argument);
    session.close();
    await session.ended;
    return shown(seen);
  },

  async echo() {
    const session = connect();
    const body = fs.readFileSync(argument);
    const seen = await exchange(session, '/echo', { method: 'POST', body });
    session.close();
    return { status: seen.status, length: seen.body.length, sha256: sha256(seen.body) };
  },

  // A body that is answered before it is read; the argument is a file.
  async unread_upload() {
    const session = connect({ maxSessionMemory: 100 });
    const seen = await exchange(session, '/too-large', { method: 'POST', body: fs.readFileSync(argument) });
    session.destroy();
    return { status: seen.status, body: seen.body.toString('latin1'), code: seen.code };
  },

  // A body of unknown length, written in parts.
  async upload() {
    const session = connect();
    const stream = session.request({ ':method': 'POST', ':path': '/digest' });
    const sent = crypto.createHash('sha256');
    const answer = [];
    stream.on('data', (part) => answer.push(part));
    for (let at = 0; at < 300; at += 1) {
      const part = crypto.randomBytes(at * 10);
      sent.update(part);
      if (!stream.write(part)) await new Promise((resolve) => stream.once('drain', resolve));
    }
    stream.end();
    await new Promise((resolve) => stream.on('close', resolve));
    session.close();
    return { sent: sent.digest('hex'), answered: Buffer.concat(answer).toString() };
  },

  // A body of so many octets at once.
  async long_upload() {
    const body = crypto.randomBytes(Number(argument));
    const began = performance.now();
    const session = connect();
    const seen = await exchange(session, '/digest', { method: 'POST', body });
    const seconds = (performance.now() - began) / 1000;
    session.close();
    return { sent: sha256(body), answered: seen.body.toString(), seconds };
  },

  async long_upload_by_http1() {
    const body = crypto.randomBytes(Number(argument));
    const began = performance.now();
    const answered = await new Promise((resolve, reject) => {
      const options = { ca: fs.readFileSync(authority), method: 'POST', headers: { 'content-length': body.length } };
      const request = https.request(`${url}/digest`, options, (response) => {
        const parts = [];
        response.on('data', (part) => parts.push(part));
        response.on('end', () => resolve(Buffer.concat(parts).toString()));
      });
      request.on('error', reject);
      request.end(body);
    });
    return { sent: sha256(body), answered, seconds: (performance.now() - began) / 1000 };
  },

  // The first takes a while; all are open by then.
  async hundred() {
    const session = connect();
    let open = 0;
    let most = 0;
    const paths = ['/slow?0.3', ...Array.from({ length: 99 }, (_, at) => `/hello?${at}`)];
    const seen = await Promise.all(paths.map(async (path) => {
      open += 1;
      most = Math.max(most, open);
      const one = await exchange(session, path);
      open -= 1;
      return one;
    }));
    session.close();
    return { most, good: seen.filter((one) => one.status === 200 && one.body.toString() === 'Hello, world!').length };
  },

  async hundred_uploads() {
    const session = connect();
    const bodies = Array.from({ length: 100 }, (_, at) => crypto.randomBytes(100000 + at));
    const seen = await Promise.all(bodies.map((body) => exchange(session, '/echo', { method: 'POST', body })));
    session.close();
    return { good: seen.filter((one, at) => one.body.equals(bodies[at])).length };
  },

  async sequential() {
    const session = connect();
    let good = 0;
    for (let at = 0; at < 500; at += 1) {
      const seen = await exchange(session, '/hello');
      good += Number(seen.status === 200 && seen.body.toString() === 'Hello, world!');
    }
    session.close();
    return { good };
  },

  async without_bodies() {
    const session = connect();
    const head = await exchange(session, '/hello', { method: 'HEAD' });
    const empty = await exchange(session, '/empty');
    const unchanged = await exchange(session, '/unchanged', { headers: { 'if-none-match': '"same"' } });
    const after = await exchange(session, '/hello');
    session.close();
    return [head, empty, unchanged, after].map(shown);
  },

  async request_trailers() {
    const session = connect();
    const seen = await exchange(session, '/echo', { method: 'POST', body: 'body', trailers: { 'x-sum': 'abc' } });
    const bare = await exchange(session, '/echo', { method: 'POST', trailers: { 'x-sum': 'abc' } });
    const after = await exchange(session, '/hello');
    session.close();
    return [seen, bare, after].map(shown);
  },

  // The argument is the path of a response that does not end by itself; the
  // windows are too wide to stop it.
  async cancel_download() {
    const session = connect({ settings: { initialWindowSize: 1 << 26 } });
    await new Promise((resolve) => session.on('connect', resolve));
    session.setLocalWindowSize(1 << 26);
    let size = 0;
    const seen = await exchange(session, argument, {
      wait: (stream) => stream.on('data', (part) => {
        size += part.length;
        if (size > 100000) stream.close(CANCEL);
      }),
    });
    const after = await exchange(session, '/hello');
    session.close();
    return { cancelled: seen.code, after: shown(after) };
  },

  async cancel_upload() {
    const session = connect();
    const codes = [];
    for (let at = 0; at < 20; at += 1) {
      const stream = session.request({ ':method': 'POST', ':path': '/digest' });
      stream.on('error', () => {});
      stream.write(Buffer.alloc(40000));
      await sleep(5);
      stream.close(CANCEL);
      await new Promise((resolve) => stream.on('close', resolve));
      codes.push(stream.rstCode);
    }
    const body = Buffer.alloc(1 << 20, 'x');
    const after = await exchange(session, '/echo', { method: 'POST', body });
    session.close();
    return { codes, after: after.body.equals(body) };
  },

  // One session reads nothing of a response; another one goes on.
  async stops_reading() {
    const session = connect();
    const other = connect();
    const stream = session.request({ ':path': '/big?5000000' });
    stream.on('error', () => {});
    const closed = new Promise((resolve) => stream.on('close', resolve));
    await new Promise((resolve) => stream.on('response', resolve));
    stream.pause();
    const begin = Date.now();
    const meanwhile = await exchange(other, '/hello');
    const served = (Date.now() - begin) / 1000;
    // It waits for the one that is not read.
    const after = await exchange(session, '/hello');
    const cut = (Date.now() - begin) / 1000;
    stream.resume();
    await closed;
    session.close();
    other.close();
    return { served, cut, code: stream.rstCode, meanwhile: shown(meanwhile), after: shown(after) };
  },

  // A pause that is shorter than the server's patience.
  async reads_on() {
    const session = connect();
    const seen = await exchange(session, '/big?1000000', {
      wait: (stream) => stream.once('data', async () => {
        stream.pause();
        await sleep(200);
        stream.resume();
      }),
    });
    session.close();
    return { status: seen.status, sha256: sha256(seen.body) };
  },

  async narrow_windows() {
    const session = connect({ settings: { initialWindowSize: 500 } });
    const seen = await Promise.all([20000, 20001, 20002].map((size) => exchange(session, `/big?${size}`)));
    session.close();
    return seen.map((one) => one.body.length);
  },

  // The argument: how many fields of a thousand octets.
  async fields() {
    const session = connect({ maxSendHeaderBlockLength: 1 << 20 });
    const headers = { cookie: `id=${'c'.repeat(7000)}` };
    for (let at = 0; at < Number(argument); at += 1) headers[`x-field-${at}`] = 'f'.repeat(1000);
    const [before, seen, beside] = await Promise.all([
      exchange(session, '/slow?0.1'), exchange(session, '/about', { headers }), exchange(session, '/hello'),
    ]);
    const after = await exchange(session, '/hello');
    session.close();
    return [before, seen, beside, after].map(shown);
  },

  async ping() {
    const session = connect();
    const payload = Buffer.from('8 octets');
    const ping = () => new Promise((resolve, reject) => session.ping(payload, (error, duration, answer) => (
      error ? reject(error) : resolve(answer.equals(payload)))));
    await new Promise((resolve) => session.on('remoteSettings', resolve));
    const idle = await ping();
    // A long response does not keep it waiting; the reply comes before its end.
    const order = [];
    const download = exchange(session, '/big?3000000', {
      wait: (stream) => stream.once('data', () => ping().then((good) => order.push(good))),
    }).then((seen) => order.push(seen.body.length));
    await download;
    const last = await ping();
    session.close();
    return { idle, order, last };
  },

  // GOAWAY of the client while requests are under way.
  async goaway() {
    const session = connect();
    const seen = [exchange(session, '/slow?0.3'), exchange(session, '/hello')];
    await readByServer(session);
    session.goaway(http2.constants.NGHTTP2_NO_ERROR);
    return (await Promise.all(seen)).map(shown);
  },

  // close() of the session as it connects: GOAWAY leaves before the request.
  async close_on_connect() {
    const session = connect();
    const seen = exchange(session, '/hello');
    session.on('connect', () => session.close());
    return [shown(await seen)];
  },

  // close() of the session once the headers are here; the argument is a path.
  async close_after_headers() {
    const session = connect();
    const seen = await exchange(session, argument, {
      wait: (stream) => stream.on('response', () => session.close()),
    });
    await session.ended;
    return { status: seen.status, length: seen.body.length, code: seen.code };
  },

  // close() of the session: no new requests, GOAWAY at the end.
  async graceful_close() {
    const session = connect();
    const seen = [exchange(session, '/slow?0.3'), exchange(session, '/hello')];
    await readByServer(session);
    session.close();
    const answers = await Promise.all(seen);
    await session.ended;
    return answers.map(shown);
  },

  // Uploads that are answered before they are read; the argument: size and how many, each on its own connection.
  async unread_uploads() {
    const [size, times] = argument.split(' ').map(Number);
    // In parts: what a session may hold is less than the largest size.
    const part = Buffer.alloc(20000, 'x');
    const once = async () => {
      const session = connect();
      const seen = await exchange(session, '/refused', {
        method: 'POST',
        headers: { 'content-length': size },
        body: Readable.from(Array(size / part.length).fill(part)),
      });
      session.destroy();
      await session.ended;
      return { status: seen.status, body: seen.body.toString('latin1'), code: seen.code };
    };
    const answers = [];
    while (answers.length < times) {
      const count = Math.min(8, times - answers.length);
      answers.push(...await Promise.all(Array.from({ length: count }, once)));
    }
    return answers;
  },

  async download() {
    const session = connect();
    let size = 0;
    const stream = session.request({ ':path': `/big?${argument}` });
    for await (const part of stream) size += part.length;
    session.close();
    await session.ended;
    return { size };
  },

  async upload_of() {
    const session = connect();
    const part = Buffer.alloc(65536, 'x');
    const seen = await exchange(session, '/digest', {
      method: 'POST', body: Readable.from(Array(Number(argument) / part.length).fill(part)),
    });
    session.close();
    await session.ended;
    return { status: seen.status, code: seen.code };
  },

  // So many requests on one connection, fifty at once, a tenth of them cancelled.
  async many() {
    const session = connect();
    const number = Number(argument);
    let begun = 0;
    let good = 0;
    let cancelled = 0;
    const worker = async () => {
      while (begun < number) {
        const cancels = begun++ % 10 === 9;
        const seen = await exchange(session, '/hello', { wait: cancels ? (stream) => stream.close(CANCEL) : undefined });
        if (seen.status === 200 && seen.code === 0) good += 1;
        else if (cancels) cancelled += 1;
      }
    };
    await Promise.all(Array.from({ length: 50 }, worker));
    session.close();
    await session.ended;
    return { good, cancelled };
  },

  // The connection is cut with requests under way.
  async destroy() {
    const session = connect();
    const seen = [exchange(session, '/slow?0.2'), exchange(session, '/echo', { method: 'POST', body: 'x' })];
    await readByServer(session);
    session.destroy();
    await Promise.all(seen);
    const again = connect();
    const after = await exchange(again, '/hello');
    again.close();
    return shown(after);
  },
};

scenarios[name]().then((result) => {
  console.log(JSON.stringify(result));
}).catch((error) => fail(error.stack));
