// The session examples of Daytona's guides, as they stand. Each has a block of
// its own; what an example takes for given is made before it.
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(String(process.env.HOTCELL_E2E_NODE_MODULES), "x.js"));
const { Daytona } = require("@daytonaio/sdk");

const daytona = new Daytona();
const sandbox = await daytona.create({ envVars: { PATH: String(process.env.PATH_WITH_PIP) } });
const shell = sandbox.process;

{
  // Using interactive sessions
  // Create a new session
  const sessionId = "my-session";
  await sandbox.process.createSession(sessionId);
  // Execute commands in the session
  const _response = await sandbox.process.executeSessionCommand(sessionId, {
    command: "cd /workspace",
  });
  const response2 = await sandbox.process.executeSessionCommand(sessionId, {
    command: "pwd",
  });
  console.log(response2.result); // Should print "/workspace"
  // Clean up
  await sandbox.process.deleteSession(sessionId);
}
{
  const process = shell;
  // Create a new session
  const sessionId = "my-session";
  await process.createSession(sessionId);
  const _session = await process.getSession(sessionId);
  // Do work...
  await process.deleteSession(sessionId);
}
{
  const process = shell;
  // Execute commands in sequence, maintaining state
  const sessionId = "my-session";
  await process.createSession(sessionId);
  // Change directory
  await process.executeSessionCommand(sessionId, {
    command: "cd /workspace",
  });
  // Run command in new directory
  const result = await process.executeSessionCommand(sessionId, {
    command: "pwd",
  });
  console.log(result.output); // Prints: /workspace

  const session = await process.getSession("my-session");
  session.commands.forEach((cmd) => {
    console.log(`Command: ${cmd.command}`);
  });

  const cmd = await process.getSessionCommand("my-session", session.commands[1].id);
  if (cmd.exitCode === 0) {
    console.log(`Command ${cmd.command} completed successfully`);
  }

  const logs = await process.getSessionCommandLogs("my-session", cmd.id);
  console.log("Command output:", logs);

  await process.getSessionCommandLogs("my-session", cmd.id, (chunk) => {
    console.log("Log chunk:", chunk);
  });

  const sessions = await process.listSessions();
  sessions.forEach((session) => {
    console.log(`Session ${session.sessionId}:`);
    session.commands.forEach((cmd) => {
      console.log(`- ${cmd.command} (${cmd.exitCode})`);
    });
  });
}
{
  const sessionId = "my-session";
  const session = await sandbox.process.getSession(sessionId);
  for (const command of session.commands) {
    console.log(`Command: ${command.command}, Exit Code: ${command.exitCode}`);
  }
  const _sessions = await sandbox.process.listSessions();

  // Clean up a completed session
  await sandbox.process.deleteSession("my-session");
}
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
{
  const sessionId = "long-running-cmd";
  try {
    await sandbox.process.createSession(sessionId);
    const _session = await sandbox.process.getSession(sessionId);
    // Do work...
  } finally {
    await sandbox.process.deleteSession(sessionId);
  }
}
await sandbox.delete();
