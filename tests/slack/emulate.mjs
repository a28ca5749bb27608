// Slack as the package `emulate` has it, until standard input ends. Arguments: its module, and the workspace as JSON.
const { createEmulator } = await import(process.argv[2])
const slack = await createEmulator({ service: 'slack', port: 0, seed: { slack: JSON.parse(process.argv[3]) } })
console.log(slack.url)
process.stdin.resume()
process.stdin.on('end', () => slack.close().then(() => process.exit(0)))
