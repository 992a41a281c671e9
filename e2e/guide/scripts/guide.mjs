// The examples of Daytona's guide to processes and code execution, as they
// stand there: commands, one-shot code, shell sessions and charts, with the
// unmodified SDK. What they print is checked by the test that runs this.
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(String(process.env.HOTCELL_E2E_NODE_MODULES), "x.js"));
const { Daytona, DaytonaError, ChartType } = require("@daytonaio/sdk");

const daytona = new Daytona();
const sandbox = await daytona.create({ language: "typescript" });
const python = await daytona.create();
await sandbox.process.executeCommand("mkdir -p workspace/src; touch workspace/src/here.txt");

/** @param {string} name */
const example = (name) => console.log(`== ${name}`);

example("command");
{
  const response = await sandbox.process.executeCommand("ls -la");
  console.log(response.result);
}
{
  const response = await sandbox.process.executeCommand('echo "Hello"');
  console.log(response.artifacts.stdout); // Prints: Hello
}

example("command with directory");
{
  const result = await sandbox.process.executeCommand("ls", "workspace/src");
  console.log(result.result);
}
if (process.env.WORKSPACE) {
  // Command with working directory
  const result = await sandbox.process.executeCommand("ls", "/workspace/src");
  console.log(result.result);
}

example("command with timeout");
try {
  await sandbox.process.executeCommand("sleep 10", undefined, undefined, 1);
} catch (e) {
  console.log(e.constructor.name, e.statusCode);
}
{
  const response2 = await sandbox.process.executeCommand("sleep 0.3", "workspace/src", undefined, 5);
  console.log("exit code", response2.exitCode);
}

example("command with environment");
{
  const response3 = await sandbox.process.executeCommand("echo $CUSTOM_SECRET", ".", {
    CUSTOM_SECRET: "DAYTONA",
  });
  console.log(response3.result);
}

example("code");
{
  const response = await sandbox.process.codeRun('console.log("Hello, World!")');
  console.log(response.result);
}
{
  const response = await sandbox.process.codeRun(`
const x = 10;
const y = 20;
console.log(\`Sum: \${x + y}\`);
`);
  console.log(response.result); // Prints: Sum: 30
  console.log(response.artifacts.stdout);
}
{
  let response = await sandbox.process.codeRun(`
function greet(name: string): string {
    return \`Hello, \${name}!\`;
}
console.log(greet("Daytona"));
`);
  console.log(response.result);

  // With argv, environment variables, and timeout
  response = await sandbox.process.codeRun(
    `console.log(\`Hello, \${process.argv[2]}!\`); console.log(\`FOO: \${process.env.FOO}\`);`,
    { argv: ["Daytona"], env: { FOO: "BAR" } },
    5, // timeout in seconds
  );
  console.log(response.result);
}

example("chart");
{
  const response = await python.process.codeRun(`
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 10, 30)
y = np.sin(x)

plt.figure(figsize=(8, 5))
plt.plot(x, y, 'b-', linewidth=2)
plt.title('Line Chart')
plt.xlabel('X-axis (seconds)')
plt.ylabel('Y-axis (amplitude)')
plt.grid(True)
plt.show()
`);
  if (response.artifacts?.charts) {
    const chart = response.artifacts.charts[0];

    console.log(`Type: ${chart.type}`);
    console.log(`Title: ${chart.title}`);
    if (chart.type === ChartType.LINE) {
      const lineChart = chart;
      console.log("X Label:", lineChart.x_label);
      console.log("Y Label:", lineChart.y_label);
      console.log("X Ticks:", lineChart.x_ticks);
      console.log("Y Ticks:", lineChart.y_ticks);
      console.log("X Tick Labels:", lineChart.x_tick_labels);
      console.log("Y Tick Labels:", lineChart.y_tick_labels);
      console.log("X Scale:", lineChart.x_scale);
      console.log("Y Scale:", lineChart.y_scale);
      console.log("Elements:");
      console.dir(lineChart.elements, { depth: null });
    }
  }
}

example("session");
{
  const sessionId = "my-session";
  await sandbox.process.createSession(sessionId);
  await sandbox.process.executeSessionCommand(sessionId, { command: "cd workspace" });
  await sandbox.process.executeSessionCommand(sessionId, { command: "echo 'Hello' > test.txt" });
  const response2 = await sandbox.process.executeSessionCommand(sessionId, { command: "pwd" });
  console.log(response2.output);

  const session = await sandbox.process.getSession("my-session");
  session.commands.forEach((cmd) => {
    console.log(`Command: ${cmd.command}`);
  });
  for (const command of session.commands) {
    console.log(`Command: ${command.command}, Exit Code: ${command.exitCode}`);
  }

  const cmd = await sandbox.process.getSessionCommand("my-session", response2.cmdId);
  if (cmd.exitCode === 0) {
    console.log(`Command ${cmd.command} completed successfully`);
  }
  const logs = await sandbox.process.getSessionCommandLogs("my-session", response2.cmdId);
  console.log("Command output:", logs);
  await sandbox.process.getSessionCommandLogs("my-session", response2.cmdId, (chunk) => {
    console.log("Log chunk:", chunk);
  });

  const sessions = await sandbox.process.listSessions();
  sessions.forEach((session) => {
    console.log(`Session ${session.sessionId}:`);
    session.commands.forEach((cmd) => {
      console.log(`- ${cmd.command} (${cmd.exitCode})`);
    });
  });
  // Clean up
  await sandbox.process.deleteSession(sessionId);
}
if (process.env.WORKSPACE) {
  const sessionId = "my-session";
  await sandbox.process.createSession(sessionId);
  await sandbox.process.executeSessionCommand(sessionId, {
    command: "cd /workspace",
  });
  const result = await sandbox.process.executeSessionCommand(sessionId, {
    command: "pwd",
  });
  console.log(result.output); // Prints: /workspace
  await sandbox.process.deleteSession(sessionId);
}

example("interactive");
{
  const sessionId = "interactive-session";
  await sandbox.process.createSession(sessionId);

  const command = await sandbox.process.executeSessionCommand(sessionId, {
    command: "pip uninstall requests",
    runAsync: true,
  });

  const logPromise = sandbox.process.getSessionCommandLogs(
    sessionId,
    command.cmdId,
    (stdout) => console.log("[STDOUT]:", stdout),
    (stderr) => console.log("[STDERR]:", stderr),
  );

  await new Promise((resolve) => setTimeout(resolve, 1000));
  await sandbox.process.sendSessionCommandInput(sessionId, command.cmdId, "y");
  await logPromise;
}

example("resources");
{
  const sessionId = "long-running-cmd";
  try {
    await sandbox.process.createSession(sessionId);
    const session = await sandbox.process.getSession(sessionId);
    console.log("made", session.sessionId);
  } finally {
    await sandbox.process.deleteSession(sessionId);
  }
}

example("errors");
try {
  const response = await sandbox.process.codeRun("invalid typescript code");
  if (response.exitCode !== 0) {
    console.error("Exit code:", response.exitCode);
    console.error("Error output:", response.result);
    console.log("failed as it should");
  }
} catch (e) {
  if (e instanceof DaytonaError) {
    console.error("Execution failed:", e);
  }
}
await sandbox.delete();
await python.delete();
