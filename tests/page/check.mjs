// check.mjs FOLDER_OF_NODE_MODULES CHROMIUM PAGE...: opens each page as its readers do, and prints TAP.
// 400 px wide and dark, 1600 and light, the first also the other way, all folds open: nothing on the console, every chart drawn, nothing wider than
// the page, and axe-core finds nothing that keeps people out.
import { createRequire } from 'node:module';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, executablePath, ...pages] = process.argv.slice(2);
const require = createRequire(resolve(modules, 'check.mjs'));
const { chromium } = require('playwright-core');
const axe = require('axe-core').source;

let count = 0;

function result(name, faults) {
	console.log(`${faults.length ? 'not ok' : 'ok'} ${++count} - ${name}`);
	for (const fault of faults.slice(0, 20))
		console.log(`# ${fault}`);
}

// Charts without a shape, or whose shapes are outside of them.
function undrawn() {
	const faults = [];
	for (const svg of document.querySelectorAll('svg')) {
		const name = svg.querySelector('title')?.textContent;
		const whole = svg.getBoundingClientRect();
		const shapes = [...svg.querySelectorAll('g path, g circle, g rect')].map(shape => shape.getBoundingClientRect());
		if (!shapes.some(box => box.width + box.height > 2))
			faults.push(`${name}: nothing is drawn`);
		for (const shape of svg.querySelectorAll('path, circle, rect, text')) {
			const box = shape.getBoundingClientRect();
			if (box.width && (box.left < whole.left - 2 || box.right > whole.right + 2 || box.top < whole.top - 4 || box.bottom > whole.bottom + 4))
				faults.push(`${name}: <${shape.tagName}> ${shape.textContent} is outside`);
		}
	}
	return faults;
}

// Elements wider than the page; within what scrolls, the scrolling one counts.
function overflowing() {
	const faults = [], width = document.documentElement.clientWidth;
	if (document.documentElement.scrollWidth > width)
		faults.push(`the page is ${document.documentElement.scrollWidth} px wide`);
	for (const element of document.querySelectorAll('body *')) {
		const box = element.getBoundingClientRect(), scrolls = element.parentElement.closest('.wide');
		if (!scrolls && box.width && (box.left < -0.5 || box.right > width + 0.5))
			faults.push(`<${element.tagName} class="${element.getAttribute('class')}"> from ${box.left} to ${box.right} px`);
	}
	return faults;
}

async function look(browser, page, width, colorScheme) {
	const name = `${basename(page)}, ${width} px, ${colorScheme}`, said = [];
	// axe-core is put into the page by the test, past what the page allows itself
	const tab = await browser.newPage({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true });

	tab.on('console', message => said.push(message.text()));
	tab.on('pageerror', error => said.push(error.message));
	tab.on('request', request => /^(file|data):/.test(request.url()) || said.push(`asks for ${request.url()}`));
	await tab.goto(pathToFileURL(resolve(page)).href);
	await tab.evaluate(() => document.querySelectorAll('details').forEach(fold => { fold.open = true; }));
	result(`${name}: all charts are drawn`, await tab.evaluate(undrawn));
	result(`${name}: nothing is too wide`, await tab.evaluate(overflowing));
	await tab.evaluate(axe);
	const { violations } = await tab.evaluate(() => window.axe.run());
	result(`${name}: axe-core finds nothing`, violations.map(v => `${v.id}: ${v.help}: ${v.nodes[0].html.slice(0, 200)}`));
	result(`${name}: the console is silent`, said);
	await tab.close();
}

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const looks = [[400, 'dark'], [1600, 'light'], [400, 'light'], [1600, 'dark']];
for (const page of pages)
	for (const [width, scheme] of looks.slice(0, page === pages[0] ? 4 : 2))
		await look(browser, page, width, scheme);
await browser.close();
console.log(`1..${count}`);
