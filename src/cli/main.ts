#!/usr/bin/env node
/** What npm starts. All else is a script that every start finds compiled: see tools/bundle.mjs. */
import { main } from './commands.ts'

await main(process.argv.slice(2))
