# Builds the page (src/center/web) and embeds folders of files in the program.
#
#   paywarden_embed(TARGET lib NAME function HEADER "folder/header.h" FOLDER dir DEPENDS files...)
#     adds to TARGET a source that defines `std::span<const PageAsset> function()` over the files of FOLDER.
#   paywarden_page(TARGET)
#     builds the page in the build folder (the source folder stays as it is) and embeds it as page_assets(); adds its
#     tests. PAYWARDEN_PAGE=OFF needs no Node.js and embeds a page that says so.
option(PAYWARDEN_PAGE "Build the web page with Node.js and embed it" ON)

function(paywarden_embed)
  cmake_parse_arguments(ARG "" "TARGET;NAME;HEADER;FOLDER" "DEPENDS" ${ARGN})
  set(source ${CMAKE_CURRENT_BINARY_DIR}/embedded/${ARG_NAME}.cc)
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/embedded)
  add_custom_command(
    OUTPUT ${source} BYPRODUCTS ${source}.blob
    COMMAND embed_files ${ARG_FOLDER} ${ARG_NAME} ${ARG_HEADER} ${source}
    DEPENDS embed_files ${ARG_DEPENDS} COMMENT "Embedding ${ARG_NAME}" VERBATIM)
  target_sources(${ARG_TARGET} PRIVATE ${source})
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${source}.blob)
endfunction()

function(paywarden_page target)
  target_link_libraries(${target} PUBLIC ZLIB::ZLIB)  # the test unpacks what was embedded
  set(web ${CMAKE_CURRENT_SOURCE_DIR}/center/web)
  if(NOT PAYWARDEN_PAGE)
    file(GLOB plain CONFIGURE_DEPENDS ${web}/not_built/*)
    paywarden_embed(TARGET ${target} NAME page_assets HEADER center/page_assets.h FOLDER ${web}/not_built DEPENDS ${plain})
    return()
  endif()

  find_program(NODE NAMES node nodejs REQUIRED)
  find_program(NPM npm REQUIRED)
  set(work ${CMAKE_BINARY_DIR}/page)
  set(packages package.json package-lock.json .npmrc)
  list(TRANSFORM packages PREPEND ${web}/ OUTPUT_VARIABLE package_files)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${web}/src/* ${web}/public/* ${web}/tests/*)
  list(APPEND sources ${web}/index.html ${web}/docs.html ${web}/vite.config.ts ${web}/svelte.config.js ${web}/tsconfig.json)
  file(MAKE_DIRECTORY ${work})

  # --ignore-scripts: no package of ours needs to run anything at its installation.
  add_custom_command(
    OUTPUT ${work}/packages.stamp
    COMMAND ${CMAKE_COMMAND} -E copy ${package_files} ${work}/
    COMMAND ${CMAKE_COMMAND} -E chdir ${work} ${NPM} ci --ignore-scripts --no-audit --no-fund --loglevel=error
    COMMAND ${CMAKE_COMMAND} -E touch ${work}/packages.stamp
    DEPENDS ${package_files} COMMENT "Fetching the page's packages" VERBATIM)
  add_custom_command(
    OUTPUT ${work}/page.stamp
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${work}/src ${work}/public ${work}/tests ${work}/dist
    COMMAND ${CMAKE_COMMAND} -E copy_directory ${web}/src ${work}/src
    COMMAND ${CMAKE_COMMAND} -E copy_directory ${web}/public ${work}/public
    COMMAND ${CMAKE_COMMAND} -E copy_directory ${web}/tests ${work}/tests
    COMMAND ${CMAKE_COMMAND} -E copy ${web}/index.html ${web}/docs.html ${web}/vite.config.ts ${web}/svelte.config.js
            ${web}/tsconfig.json ${work}/
    COMMAND ${CMAKE_COMMAND} -E chdir ${work} ${NODE} node_modules/vite/bin/vite.js build --logLevel warn
    COMMAND ${CMAKE_COMMAND} -E touch ${work}/page.stamp
    DEPENDS ${work}/packages.stamp ${sources} COMMENT "Building the page" VERBATIM)
  paywarden_embed(TARGET ${target} NAME page_assets HEADER center/page_assets.h FOLDER ${work}/dist
                  DEPENDS ${work}/page.stamp)
  paywarden_page_tests(${work})
endfunction()

function(paywarden_page_tests work)
  add_test(NAME page_unit_test COMMAND ${NODE} tests/unit.mjs WORKING_DIRECTORY ${work})
  add_test(NAME page_types_test COMMAND ${NODE} node_modules/svelte-check/bin/svelte-check --threshold warning --fail-on-warnings
           WORKING_DIRECTORY ${work})
  add_test(NAME page_browser_test COMMAND ${NODE} tests/browser.mjs --dist dist WORKING_DIRECTORY ${work})
  set_tests_properties(page_unit_test PROPERTIES LABELS unit TIMEOUT 120)
  set_tests_properties(page_types_test page_browser_test PROPERTIES LABELS browser TIMEOUT 300)
endfunction()
