// Loaded before the service (`--import`): it loads everything that takes time, then waits for the environment that the service
// is to start with. So a killed service can be followed by the next one at once.

import { once } from 'node:events'
import { tellChanges } from './folder.ts'

await Promise.all([
  import('../../src/app.ts'),
  import('../../src/runtime/docker/runtime.ts'),
  import('../../src/store/open-store.ts'),
  import('../../src/classes/sweep.ts'),
])
const [env]: NodeJS.ProcessEnv[] = await once(process, 'message')
Object.assign(process.env, env)
// Once a store is set by name no folder is used, and the parent has nothing more to say.
if (process.env['ARTIFACTS_DIR'] === undefined) process.disconnect()
else tellChanges(process.env['ARTIFACTS_DIR'])
