// The same as tests/unit/pairs.c prints of a whole log, by Heroku's parser of logfmt (npm: logfmt).
const { parse } = require('logfmt');

for (const line of require('fs').readFileSync(0, 'utf8').split('\n').slice(0, -1))
	console.log(Object.entries(parse(line)).map(([key, value]) => `${key}=${value}`).sort().join('\t'));
