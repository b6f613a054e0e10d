// The plugin's module: asks the resident server (skillcache/events/server) for the result of a call that is allowed and about
// to run, and tells it what came of a call that ran. All that is decided is decided there. Whatever goes wrong here or
// there, the call runs as it would without us.
//
// heard.js lies beside it in the plugin folder that `skillcache plugin-path` lays out: how to start the server, and
// which calls a rule may name.
import { cli, endedTools, start, tools, writes, writingLines } from './heard.js'

const PROTOCOL = 3
const PATIENCE = 150 // ms for an answer; longer only where the server says that it waits for another's run
const HANGS = 2_000 // ms after which a server that still does not answer is ended
const REST = 10_000 // ms in which a server that did not answer is not asked, and one that ended not started again
const UNTOLD = 100 // ends that are kept for a server that does not take them; of a session with more, nothing is asked
const LATE = Symbol('late')
const COMMAND = 30_000 // ms for a command of ours; its prompt says the same by a turn of the model
const ROUNDS = 2_000 // of waiting, each some two seconds long: more than the longest wait that can be set
// Slash commands that need no model: what each starts. Of the others the answer depends on where a Bash call runs.
const LOCAL = {
  'skillcache:stats': args => ['stats', ...args],
  'skillcache:off': () => ['serve', '--off'],
  'skillcache:on': () => ['serve', '--on'],
}
// What the client takes for a result of these tools; of another shape it would make an error of it.
const SHAPES = {
  WebFetch: { bytes: 'number', code: 'number', codeText: 'string', result: 'string', durationMs: 'number', url: 'string' },
  WebSearch: { query: 'string', results: 'object', durationSeconds: 'number' },
  Agent: { status: 'string', prompt: 'string', agentId: 'string', content: 'object', usage: 'object' },
}

let socket // where the server listens; undefined while there is none
let running = false
let stop = () => {} // ends the server
let restsUntil = 0
let lateAt = 0 // when an answer was last found to be late
const untold = new Set() // ends of calls that results depend on, until the server has them
const followed = new Map() // calls whose end the server waits for, by id: how many ms they ran

// Runs as long as the server does, which is at most as long as this module.
async function keepServer($, options) {
  running = true
  try {
    let said = ''
    const argv = options.redis_url || options.team ? [...start, '--options'] : start
    const child = $.process.spawn({ argv, env: await $.process.hookEnv() })
    stop = () => child.return()
    for await (const { stream, text } of child) {
      if (stream !== 'stdout' || socket !== undefined) continue
      said += text
      if (!said.includes('\n')) continue
      const hello = JSON.parse(said)
      if (hello.protocol !== PROTOCOL) break // of another version: leaving the loop ends it
      socket = hello.socket
    }
  } catch {}
  socket = undefined
  restsUntil = Date.now() + REST
  running = false
}

function send($, path, body) {
  return $.http
    .fetch(`http://skillcache${path}`, { method: 'POST', socketPath: socket, body: JSON.stringify(body) })
    .then(answer => (answer.ok ? JSON.parse(answer.text) : {}))
    .catch(() => undefined)
}

// What the server says, undefined for nothing. `missed` hears what it says too late.
async function ask($, path, body, patience, missed = () => {}) {
  if (socket === undefined || untold.size > UNTOLD || Date.now() < restsUntil) return undefined
  const began = Date.now()
  let timer
  const late = new Promise(resolve => {
    timer = $.clock.after(patience, () => resolve(LATE))
  })
  const asked = send($, path, body)
  const said = await Promise.race([asked, late])
  timer.cancel()
  if (said !== LATE) return said
  const isSlow = lateAt <= began && began < lateAt + REST // again, and not only held up once by a busy machine
  lateAt = Date.now()
  restsUntil = lateAt + REST
  // The client would wait half a minute for the answer before it ends.
  timer = $.clock.after(HANGS, () => stop())
  void asked.then(answer => {
    timer.cancel()
    if (answer === undefined) return
    if (!isSlow) restsUntil = 0
    missed(answer)
  })
  return undefined
}

// Whether the server has every end that results depend on.
async function catchUp($) {
  const tell = async event => {
    const said = await ask($, '/ended', event, PATIENCE, () => untold.delete(event))
    if (said !== undefined) untold.delete(event)
  }
  await Promise.all([...untold].map(tell)) // at once, so that it takes no longer than one
  return untold.size === 0
}

// The call as a PreToolUse event.
async function describe($, e) {
  const { tool, tool_use_id, agentId, requestMeta, ...input } = e
  // All at once: each is a message to the client and back.
  const [cwd, root, session, info] = await Promise.all([
    $.session.cwd(),
    $.session.root(),
    $.session.id(),
    $.session.info(),
  ])
  // A page is fetched in another way for one type of agent.
  const agents = agentId !== undefined && tool === 'WebFetch' ? await $.agent.list() : []
  return {
    hook_event_name: 'PreToolUse',
    session_id: session,
    transcript_path: info.transcriptPath,
    agent_id: agentId,
    agent_type: agents.find(agent => agent.id === agentId)?.type,
    cwd,
    root,
    tool_name: tool,
    tool_input: input,
    tool_use_id,
  }
}

async function lookUp($, event) {
  if (!(await catchUp($))) return {}
  // The call runs by then: whoever waits for a result of it is not to wait for this run's.
  const missed = said => said?.follow === true && void send($, '/ended', interrupted(event))
  let said = await ask($, '/call', event, PATIENCE, missed)
  for (let round = 0; round < ROUNDS && typeof said?.ticket === 'string'; round++)
    said = await ask($, '/wait', { ticket: said.ticket }, said.wait * 1000, missed)
  return said ?? {}
}

function fits(tool, result) {
  if (tool.startsWith('mcp__')) return typeof result === 'string' || Array.isArray(result)
  const shape = SHAPES[tool]
  if (shape === undefined || typeof result !== 'object' || result === null) return false
  return Object.keys(shape).every(name => typeof result[name] === shape[name])
}

async function answer($, e, next) {
  const event = await describe($, e)
  // Esc, and the end of an agent by others: the client goes on with nothing below, so that this is its only word.
  next.signal.addEventListener('abort', () => void ask($, '/ended', interrupted(event), PATIENCE))
  const said = await lookUp($, event)
  if (fits(e.tool, said.result)) return { result: said.result, context: said.context }
  if (said.follow !== true) return next(e)
  const began = performance.now()
  const ran = await next(e)
  followed.set(e.tool_use_id, Math.round(performance.now() - began))
  return ran
}

function interrupted(event) {
  return { ...event, hook_event_name: 'PostToolUseFailure', is_interrupt: true, duration_ms: 0 }
}

// The very event that a settings hook gets, which names an MCP server; but for the time that `answer` may have waited.
async function tell($, e, next) {
  const took = followed.get(e.tool_use_id)
  followed.delete(e.tool_use_id)
  const event = took === undefined ? e : { ...e, duration_ms: took }
  // The server has it before another call can begin that depends on what this one wrote, or is not asked about that.
  if (writes(e)) {
    untold.add(event)
    await catchUp($)
  } else if (took !== undefined) void ask($, '/ended', event, PATIENCE)
  return next(e)
}

// What a slash command says, shown as it is; undefined where it could not be started.
async function say($, e) {
  try {
    const argv = [...cli, ...LOCAL[e.command](e.args.split(/\s+/).filter(Boolean))]
    const [cwd, env] = await Promise.all([$.session.cwd(), $.process.hookEnv()])
    const { stdout, stderr } = await $.process.run(argv, { cwd, env, timeoutMs: COMMAND })
    const text = (stdout + stderr).trimEnd().replace(/^skillcache:? /, '') // the client says whose it is
    return text === '' ? undefined : text
  } catch {}
}

export function register(on, options) {
  on('session.start', async ($, e, next) => {
    const started = await next(e)
    void keepServer($, options)
    return started
  })
  on('tool.run', { tool: tools }, async ($, e, next) => {
    if (!running && Date.now() > restsUntil) void keepServer($, options)
    return answer($, e, next)
  })
  on('classic.PostToolUse', { tool_name: endedTools }, tell)
  on('classic.PostToolUseFailure', { tool_name: endedTools }, tell)
  if (writingLines !== undefined) {
    on('classic.PostToolUse', { tool_name: 'Bash', tool_input: { command: writingLines } }, tell)
    on('classic.PostToolUseFailure', { tool_name: 'Bash', tool_input: { command: writingLines } }, tell)
  }
  on('command.run', { command: Object.keys(LOCAL) }, async ($, e, next) => {
    const text = await say($, e)
    return text === undefined ? next(e) : { text }
  })
  // What another mod sets is given to the commands that run from then on: a new server knows it, too.
  on('env.set', async ($, e, next) => {
    const set = await next(e)
    if ((await ask($, '/stop', {}, PATIENCE)) === undefined) stop()
    return set
  })
}
