/* jpeg_leave.h - libjpeg's errors and warnings as a longjmp, for those who cage it: who decodes calls setjmp(leave.out) first. */
#pragma once
#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>

struct jpeg_leave {
	struct jpeg_error_mgr manager;  /* first: libjpeg hands out its address */
	jmp_buf out;
};

static inline void jpeg_leave_now(j_common_ptr image)
{
	longjmp(((struct jpeg_leave *)(void *)image->err)->out, 1);
}

static inline void jpeg_leave_if_warned(j_common_ptr image, int level)
{
	if (level < 0)
		jpeg_leave_now(image);
}

/* The manager is set up otherwise by the caller. */
static inline void jpeg_leave_init(struct jpeg_leave *leave)
{
	leave->manager.error_exit = jpeg_leave_now;
	leave->manager.emit_message = jpeg_leave_if_warned;
}
