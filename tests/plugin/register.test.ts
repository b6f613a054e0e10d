// The plugin's module against the client's own engine: `claude plugin test DIR`, where DIR is a folder that
// `skillcache plugin-path` laid out and this file was copied to. The hooks that a test registers stand for the engine.
import { expect, mock, test } from 'claude-code/testing'

const SOCKET = '/run/test/socket'
const URL_ = 'https://x.example/'
const PAGE = { bytes: 9, code: 200, codeText: 'OK', durationMs: 5, url: URL_ }
const RESULT = { ...PAGE, result: 'recorded' }
const RAN = { ...PAGE, result: 'ran' }
const CALL = { tool: 'WebFetch', url: URL_, prompt: 'what?' } as const

// A session with a server that says what `says` gives for a path; `outcome`: what a call that runs comes to.
function session(on, says, { hello = { protocol: 3, socket: SOCKET }, outcome = undefined } = {}) {
  const asked = []
  const ran = []
  const clock = mock.clock(on)
  on('session.start', (_, e) => ({ cwd: e.cwd }))
  on('process.hookEnv', () => ({ value: { CLAUDE_PID: '1' } }))
  on('process.spawn', async function* () {
    yield { stream: 'stdout', text: JSON.stringify(hello) + '\n' }
    await clock.sleep(1_000_000)
    return { code: 0, signal: null }
  })
  on('session.cwd', () => ({ value: '/project/sub' }))
  on('session.root', () => ({ value: '/project' }))
  on('session.id', () => ({ value: 'a-session' }))
  on('session.info', () => ({ value: { transcriptPath: '/t.jsonl', platform: 'linux', isHosted: false } }))
  on('http.fetch', async (_, e) => {
    const path = new URL(e.url).pathname
    asked.push({ path, socket: e.init.socketPath, body: JSON.parse(e.init.body) })
    const said = await says(path, asked.length, clock)
    const text = typeof said === 'string' ? said : JSON.stringify(said)
    return { value: { status: 200, ok: true, headers: {}, text } }
  })
  on('tool.run', (_, e) => {
    ran.push(e.url ?? e.command ?? e.tool)
    return outcome ?? { ref: 1, result: { ...RAN }, text: 'ran' }
  })
  on('classic.PostToolUse', () => ({}))
  on('classic.PostToolUseFailure', () => ({}))
  return { asked, ran, clock }
}

async function begin($, clock) {
  await $.session.start({ cwd: '/project', surface: null, isInteractive: false })
  await clock.settle()
}

test('a recorded result is the result of the call', async ($, on) => {
  const { asked, ran, clock } = session(on, () => ({ result: RESULT, context: ['a note'] }))
  await begin($, clock)
  const said = await $.tool.call(CALL)
  expect(said.result).toEqual(RESULT)
  expect(ran).toEqual([])
  expect(asked.map(each => [each.path, each.socket])).toEqual([['/call', SOCKET]])
  expect(asked[0].body).toMatchObject({
    hook_event_name: 'PreToolUse',
    tool_name: 'WebFetch',
    tool_input: { url: URL_, prompt: 'what?' },
    cwd: '/project/sub',
    root: '/project',
    session_id: 'a-session',
    transcript_path: '/t.jsonl',
  })
})

test('so it is for the tools of servers, whose results are texts or blocks', async ($, on) => {
  const results = ['recorded', [{ type: 'text', text: 'recorded' }]]
  const { ran, clock } = session(on, (_, count) => ({ result: results[count - 1], context: ['a note'] }))
  await begin($, clock)
  for (const result of results) expect((await $.tool.call({ tool: 'mcp__db__read', row: 1 })).result).toEqual(result)
  expect(ran).toEqual([])
})

test('a call that is not answered runs', async ($, on) => {
  const { ran, clock } = session(on, () => ({}))
  await begin($, clock)
  expect((await $.tool.call(CALL)).result).toEqual(RAN)
  expect(ran).toEqual([URL_])
})

test('a call that no rule can name is not asked about', async ($, on) => {
  const { asked, ran, clock } = session(on, () => ({ result: RESULT, context: [] }))
  await begin($, clock)
  for (const command of ['ls -l', 'git checkout main', 'pytest -q']) // commands are answered where they run
    await $.tool.call({ tool: 'Bash', command })
  await $.tool.call({ tool: 'mcp__db__list' })
  expect(asked).toEqual([])
  expect(ran.length).toBe(4)
})

const FOLLOWED = path => (path === '/call' ? { follow: true } : {})

test('the end of a call that the server follows is told as the client tells it, and of no other call', async ($, on) => {
  const { asked, clock } = session(on, FOLLOWED)
  await begin($, clock)
  await $.tool.call({ ...CALL, tool_use_id: 'followed' })
  const ended = { tool_name: 'WebFetch', tool_input: { url: URL_, prompt: 'what?' }, tool_response: { code: 200 }, duration_ms: 9_999_999 }
  await $.classic.PostToolUse({ ...ended, tool_use_id: 'another' })
  await $.classic.PostToolUse({ ...ended, tool_use_id: 'followed' })
  await clock.settle()
  expect(asked.map(each => each.path)).toEqual(['/call', '/ended'])
  expect(asked[1].body).toMatchObject({ tool_use_id: 'followed', hook_event_name: 'PostToolUse', tool_response: { code: 200 } })
  expect(asked[1].body.duration_ms < 9_999_999).toBe(true) // that of the run alone
})

test('so is its failure', async ($, on) => {
  const { asked, clock } = session(on, FOLLOWED)
  await begin($, clock)
  await $.tool.call({ ...CALL, tool_use_id: 'followed' })
  await $.classic.PostToolUseFailure({ tool_name: 'WebFetch', tool_input: {}, error: 'no route', tool_use_id: 'followed' })
  await clock.settle()
  expect(asked.map(each => each.path)).toEqual(['/call', '/ended'])
  expect(asked[1].body).toMatchObject({ hook_event_name: 'PostToolUseFailure', error: 'no route' })
})

test('a call waits as long as the server has it wait', async ($, on) => {
  const { asked, clock } = session(on, (path, count) =>
    count < 4 ? { ticket: 'seven', wait: 3 } : { result: RESULT, context: ['a note'] },
  )
  await begin($, clock)
  expect((await $.tool.call(CALL)).result).toEqual(RESULT)
  expect(asked.map(each => each.path)).toEqual(['/call', '/wait', '/wait', '/wait'])
  expect(asked[1].body).toEqual({ ticket: 'seven' })
})

test('what is no result of the tool is not given as one', async ($, on) => {
  const results = [5, 'text', null, [], {}, { ...RESULT, bytes: '9' }, { result: 'recorded' }]
  const { ran, clock } = session(on, (_, count) => ({ result: results[count - 1], context: ['a note'] }))
  await begin($, clock)
  for (const _ of results) expect((await $.tool.call(CALL)).result).toEqual(RAN)
  expect(ran.length).toBe(results.length)
})

test('a server that does not answer holds one call up for a moment and the next not at all', async ($, on) => {
  const { asked, ran, clock } = session(on, async (_path, _count, clock) => {
    await clock.sleep(1_000_000)
    return {}
  })
  await begin($, clock)
  const first = $.tool.call(CALL)
  await clock.advance(149)
  expect(ran).toEqual([])
  await clock.advance(1)
  expect((await first).result).toEqual(RAN)
  expect((await $.tool.call(CALL)).result).toEqual(RAN)
  expect(asked.length).toBe(1)
})

// Answers the calls whose numbers are given after 200 ms, all others at once.
const lateAt = (numbers, said) => async (path, count, clock) => {
  if (numbers.includes(count)) await clock.sleep(200)
  return said(path)
}

async function callLate($, clock, more = {}) {
  const called = $.tool.call({ ...CALL, ...more })
  await clock.advance(150)
  const said = await called
  await clock.advance(50)
  return said
}

test('a server that was late once is asked again as soon as it has answered', async ($, on) => {
  const { ran, clock } = session(on, lateAt([1], () => ({ result: RESULT, context: ['a note'] })))
  await begin($, clock)
  expect((await callLate($, clock)).result).toEqual(RAN)
  expect((await $.tool.call(CALL)).result).toEqual(RESULT)
  expect(ran.length).toBe(1)
})

test('a server that is late twice rests', async ($, on) => {
  const { asked, ran, clock } = session(on, lateAt([1, 2], () => ({ result: RESULT, context: ['a note'] })))
  await begin($, clock)
  for (const _ of [1, 2]) expect((await callLate($, clock)).result).toEqual(RAN)
  expect((await $.tool.call(CALL)).result).toEqual(RAN)
  expect([asked.length, ran.length]).toEqual([2, 3])
})

test('calls at once that are all late are one lateness', async ($, on) => {
  const { ran, clock } = session(on, lateAt([1, 2, 3], () => ({ result: RESULT, context: ['a note'] })))
  await begin($, clock)
  const called = [1, 2, 3].map(() => $.tool.call(CALL))
  await clock.advance(150)
  for (const each of called) expect((await each).result).toEqual(RAN)
  await clock.advance(50)
  expect((await $.tool.call(CALL)).result).toEqual(RESULT)
  expect(ran.length).toBe(3)
})

test('a run that the server would have followed is given up, so that nobody waits for it', async ($, on) => {
  const { asked, clock } = session(on, lateAt([1], FOLLOWED))
  await begin($, clock)
  expect((await callLate($, clock, { tool_use_id: 'lost' })).result).toEqual(RAN)
  expect(asked.map(each => each.path)).toEqual(['/call', '/ended'])
  expect(asked[1].body).toMatchObject({ hook_event_name: 'PostToolUseFailure', tool_use_id: 'lost', is_interrupt: true })
})

// Rules name it in `invalidated_by`.
const WRITTEN = { tool_name: 'mcp__db__write', tool_input: { row: 1 }, tool_response: 'done', tool_use_id: 'written' }

test('a call that writes is told before it is over', async ($, on) => {
  const { asked, clock } = session(on, () => ({}))
  await begin($, clock)
  await $.classic.PostToolUse(WRITTEN)
  expect(asked.map(each => [each.path, each.body.tool_use_id])).toEqual([['/ended', 'written']])
})

test('a line that writes is told as well, and no other', async ($, on) => {
  const { asked, clock } = session(on, () => ({}))
  await begin($, clock)
  for (const command of ['git checkout main', 'cd db && alembic upgrade head', 'pytest -q'])
    await $.classic.PostToolUse({ tool_name: 'Bash', tool_input: { command }, tool_use_id: command })
  expect(asked.map(each => [each.path, each.body.tool_use_id])).toEqual([['/ended', 'cd db && alembic upgrade head']])
})

test('what was written while there was no server is told before anything is asked', async ($, on) => {
  const { asked, clock } = session(on, () => ({ result: RESULT, context: ['a note'] }))
  await $.classic.PostToolUse(WRITTEN)
  await begin($, clock)
  expect((await $.tool.call(CALL)).result).toEqual(RESULT)
  expect(asked.map(each => each.path)).toEqual(['/ended', '/call'])
  await $.tool.call(CALL)
  expect(asked.length).toBe(3)
})

test('much that was written takes no longer to tell than one', async ($, on) => {
  const { asked, ran, clock } = session(on, async (path, _count, clock) => {
    if (path === '/ended') await clock.sleep(100)
    return { result: RESULT, context: ['a note'] }
  })
  for (let number = 0; number < 50; number++) await $.classic.PostToolUse({ ...WRITTEN, tool_use_id: `${number}` })
  await begin($, clock)
  const called = $.tool.call(CALL)
  await clock.advance(100)
  expect((await called).result).toEqual(RESULT)
  expect([asked.length, ran.length]).toEqual([51, 0])
})

test('a server that did not hear of what was written is not asked', async ($, on) => {
  const { asked, ran, clock } = session(on, async (path, count, clock) => {
    if (count <= 2) await clock.sleep(1_000_000)
    return { result: RESULT, context: ['a note'] }
  })
  await begin($, clock)
  const ended = $.classic.PostToolUse(WRITTEN)
  await clock.advance(150)
  await ended
  expect((await $.tool.call(CALL)).result).toEqual(RAN)
  expect(asked.map(each => each.path)).toEqual(['/ended'])
  expect(ran.length).toBe(1)
})

test('of a session with more that the server never heard of nothing is asked', async ($, on) => {
  const { asked, clock } = session(on, () => ({ result: RESULT, context: ['a note'] }))
  for (let number = 0; number < 101; number++) await $.classic.PostToolUse({ ...WRITTEN, tool_use_id: `${number}` })
  await begin($, clock)
  expect((await $.tool.call(CALL)).result).toEqual(RAN)
  expect(asked).toEqual([])
})

test('a server of another version is not asked', async ($, on) => {
  const { asked, clock } = session(on, () => ({ result: RESULT, context: [] }), {
    hello: { protocol: 1, socket: SOCKET },
  })
  await begin($, clock)
  expect((await $.tool.call(CALL)).result).toEqual(RAN)
  expect(asked).toEqual([])
})

test('before there is a server calls run', async ($, on) => {
  const { asked } = session(on, () => ({ result: RESULT, context: [] }))
  expect((await $.tool.call(CALL)).result).toEqual(RAN)
  expect(asked).toEqual([])
})
