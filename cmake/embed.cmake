# embedded: a library of byte arrays made from files of the tree. See embed_file(): each gives
#   extern const unsigned char embedded_<name>[]; extern const size_t embedded_<name>_size;
add_custom_target(embed_all)
set(EMBEDDED_SOURCES "")
function(embed_file name path)
  set(out ${CMAKE_BINARY_DIR}/generated/embedded_${name}.c)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DIN=${path} -DOUT=${out} -DNAME=${name} -P ${CMAKE_SOURCE_DIR}/cmake/embed_script.cmake
    DEPENDS ${path} ${CMAKE_SOURCE_DIR}/cmake/embed_script.cmake
    VERBATIM)
  set(EMBEDDED_SOURCES ${EMBEDDED_SOURCES} ${out} PARENT_SCOPE)
endfunction()

if(EXISTS ${CMAKE_SOURCE_DIR}/api/openapi.yaml)
  # The server serves JSON; python3-yaml turns the one source into it.
  set(openapi_json ${CMAKE_BINARY_DIR}/generated/openapi.json)
  find_program(SYSTEM_PYTHON3 NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
  add_custom_command(
    OUTPUT ${openapi_json}
    COMMAND ${SYSTEM_PYTHON3} ${CMAKE_SOURCE_DIR}/cmake/yaml_to_json.py ${CMAKE_SOURCE_DIR}/api/openapi.yaml ${openapi_json}
    DEPENDS ${CMAKE_SOURCE_DIR}/api/openapi.yaml ${CMAKE_SOURCE_DIR}/cmake/yaml_to_json.py
    VERBATIM)
  embed_file(openapi_json ${openapi_json})
endif()
if(EXISTS ${CMAKE_SOURCE_DIR}/demo/riethsporthalle.pretix.json)
  embed_file(demo_hall ${CMAKE_SOURCE_DIR}/demo/riethsporthalle.pretix.json)
endif()
if(EXISTS ${CMAKE_SOURCE_DIR}/web/index.html)
  embed_file(index_html ${CMAKE_SOURCE_DIR}/web/index.html)
endif()
add_library(embedded STATIC ${EMBEDDED_SOURCES} ${CMAKE_SOURCE_DIR}/cmake/embedded_anchor.c)
