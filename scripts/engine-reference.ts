// Prints engine-api/REFERENCE.md. Write it with: npx tsx scripts/engine-reference.ts > engine-api/REFERENCE.md

import { enginePage } from './engine-page.ts'

process.stdout.write(enginePage)
